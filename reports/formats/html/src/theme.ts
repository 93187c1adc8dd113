// theme: light or dark as the system prefers, unless the reader says otherwise; paper is light.
import {html} from './dom';

type Theme = 'light' | 'dark';
const listeners: (() => void)[] = [];
const system = matchMedia('(prefers-color-scheme: dark)');
const paper = matchMedia('print');
let chosen: Theme | null = null;

export function theme(): Theme {
  if (paper.matches) return 'light';
  return chosen ?? (system.matches ? 'dark' : 'light');
}

function apply() {
  document.documentElement.dataset.theme = theme();
  for (const listener of listeners) listener();
}

export function toggleTheme() {
  chosen = theme() === 'dark' ? 'light' : 'dark';
  apply();
}

export function themeButton(): HTMLElement {
  const button = html('button', {type: 'button', id: 'theme', class: 'quiet', title: 'light or dark (t)'}, 'light / dark');
  button.addEventListener('click', toggleTheme);
  const name = () => button.setAttribute('aria-label', `light / dark, now ${theme()}`);
  name();
  onTheme(name);
  return button;
}

// The listener is called at every change.
export function onTheme(listener: () => void) {
  listeners.push(listener);
}

export function startTheme() {
  apply();
  system.addEventListener('change', apply);
  paper.addEventListener('change', apply);
}
