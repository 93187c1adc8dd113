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

// A button that puts `text` into the clipboard, beside the text itself.
export function command(text: string): HTMLElement {
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
  return html('div', {class: 'command'}, code, button);
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
