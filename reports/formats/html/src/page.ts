// page: what every page is: a header, sections, links to them, and keys that work everywhere.
import {html} from './dom';
import {toggleTheme} from './theme';

export interface Section {
  name: string;
  element: HTMLElement;
}

export interface Page {
  title: string;
  header: HTMLElement;
  sections: Section[];
}

export function showPage({title, header, sections}: Page) {
  document.title = `${title} - leakhunt`;
  const links = sections.map(({name, element}) => html('a', {href: `#${element.id}`}, name));
  document.body.append(
    html('nav', {'aria-label': 'Sections'}, ...links),
    html('main', {}, header, ...sections.map(({element}) => element)));
  document.body.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 't') toggleTheme();
    if (event.key === '/') {
      event.preventDefault();
      document.querySelector<HTMLElement>('main input[id$="-search"]:not(#flame-search)')?.focus();
    }
  });
  document.documentElement.dataset.drawn = 'yes';
}
