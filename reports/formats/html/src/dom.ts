// dom: elements made of names that come from foreign programs. Text is only ever text: nothing here parses markup.

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | EventListener>;

function fill(element: Element, attributes: Attributes, children: Child[]) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

// html('a', {href: '#x', click: listener}, 'text', other)
export function html<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]) {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: Child[]) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  fill(element, attributes, children);
  return element;
}

export function section(id: string, heading: string, ...children: Child[]) {
  return html('section', {id, tabindex: -1, 'aria-labelledby': `${id}-heading`},
    html('h2', {id: `${id}-heading`}, heading), ...children);
}

// A line for a shell, and a button that puts it into the clipboard.
export function command(label: string, text: string): HTMLElement {
  const button = html('button', {type: 'button', class: 'copy'}, 'copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'copied';
    } catch {
      getSelection()?.selectAllChildren(code); // a file:// page may have no clipboard: leave it selected
      button.textContent = 'selected';
    }
    setTimeout(() => (button.textContent = 'copy'), 1500);
  });
  const code = html('code', {}, text);
  return html('div', {class: 'command'}, html('span', {class: 'faint'}, label), code, button);
}

// The middle of a name that is too long gives way: both its ends matter.
export function shortened(text: string, most = 160): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most - 40)}…${text.slice(-39)}`;
}

// Calls `action` once before the next frame, however often it is asked to.
export function onceAFrame(action: () => void): () => void {
  let pending = false;
  return () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      action();
    });
  };
}

// Calls `action` before the next frame while the element is near the window, and otherwise a little later: what is
// dragged elsewhere does not wait for what nobody sees.
export function whenSeen(element: Element, action: () => void): () => void {
  let seen = false;
  let timer = 0;
  new IntersectionObserver((entries) => (seen = entries[entries.length - 1].isIntersecting), {rootMargin: '200px'})
    .observe(element);
  const soon = onceAFrame(action);
  return () => {
    clearTimeout(timer);
    if (seen) soon();
    else timer = window.setTimeout(action, 120);
  };
}
