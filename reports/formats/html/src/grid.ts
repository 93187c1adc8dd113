// grid: a table of any number of rows, of which only those in sight exist as elements. Sorted by any column, searched
// by words, walked with the keyboard, unfolded row by row, and cut short on paper.
import {html, onceAFrame, shortened} from './dom';
import {count} from './units';

const kRowHeight = 24;
const kSpare = 8; // rows beyond each edge
const kPrinted = 40;

export interface Column {
  id: string;
  heading: string;
  figure: boolean;
  value: (row: number) => number | string;
  text: (row: number) => string;
  swatch?: (row: number) => string; // a colour
  mark?: (row: number) => string; // a class of the cell
  endMatters?: boolean; // of what is too long the end is shown
}

export interface GridOptions {
  id: string; // of the elements: ID-search, ID-words, ID-clear
  label: string;
  rows: number;
  columns: Column[];
  sortedBy: string;
  ascending?: boolean;
  searchLabel: string;
  placeholder: string;
  searched: (row: number) => string;
  words: (rows: number[], only: string) => string; // what is listed, and of what part
  detailId: string;
  detail: (row: number, close: HTMLElement) => HTMLElement;
}

export class Grid {
  readonly search: HTMLInputElement;
  readonly clear: HTMLButtonElement;
  readonly words: HTMLElement;
  readonly scroll = html('div', {class: 'scroll sites', tabindex: -1});
  readonly detail: HTMLElement;
  private readonly body = html('tbody', {});
  private readonly table: HTMLTableElement;
  private readonly headings = new Map<string, HTMLElement>();
  private readonly texts: string[];
  private rows: number[] = [];
  private only: Set<number> | null = null;
  private onlyWords = '';
  private also: ((row: number) => boolean) | null = null;
  private sortedBy: string;
  private descending: boolean;
  private active = 0; // index into rows
  private opened = -1; // the row whose detail is shown
  private printing = false;

  constructor(private readonly options: GridOptions) {
    const {id, label, columns, rows, searched} = options;
    this.sortedBy = options.sortedBy;
    this.descending = !options.ascending;
    this.texts = Array.from({length: rows}, (_, row) => searched(row).toLowerCase());
    this.search = html('input', {type: 'search', id: `${id}-search`, placeholder: options.placeholder,
      'aria-label': options.searchLabel});
    this.clear = html('button', {type: 'button', class: 'quiet', id: `${id}-clear`, hidden: true}, 'show all');
    this.words = html('p', {class: 'range-words', id: `${id}-words`, 'aria-live': 'polite'});
    this.detail = html('div', {class: 'site-detail', id: options.detailId, 'aria-live': 'polite'});
    const head = html('tr', {});
    for (const column of columns) head.append(this.heading(column));
    this.table = html('table', {class: 'plain', role: 'grid', 'aria-label': label}, html('thead', {}, head), this.body);
    this.scroll.append(this.table);
    this.search.addEventListener('input', onceAFrame(() => this.refresh()));
    this.clear.addEventListener('click', () => this.showOnly(null, ''));
    this.scroll.addEventListener('scroll', onceAFrame(() => this.render()));
    this.body.addEventListener('keydown', (event) => this.key(event));
    this.body.addEventListener('click', (event) => {
      const row = (event.target as Element).closest('tr[data-index]') as HTMLElement | null;
      if (row) this.activate(Number(row.dataset.index), true);
    });
    this.detail.addEventListener('keydown', (event) => event.key === 'Escape' && this.close());
    new ResizeObserver(onceAFrame(() => this.render())).observe(this.scroll);
    addEventListener('beforeprint', () => this.print(true));
    addEventListener('afterprint', () => this.print(false));
    this.refresh();
  }

  // --- what is listed ---------------------------------------------------------------------------

  showOnly(rows: number[] | null, words: string) {
    this.only = rows && new Set(rows);
    this.onlyWords = words;
    this.clear.hidden = rows === null;
    this.refresh();
  }

  // Beside the search and the rows of showOnly().
  filter(also: ((row: number) => boolean) | null) {
    this.also = also;
    this.refresh();
  }

  // Unfolds a row from elsewhere, whether it is listed or not.
  openRow(row: number) {
    const at = this.rows.indexOf(row);
    if (at >= 0) {
      this.active = at;
      this.scroll.scrollTop = Math.max(0, (at - 3) * kRowHeight);
      this.render();
    }
    this.open(row);
  }

  // After values have changed.
  refresh() {
    const wanted: string[] = [];
    const unwanted: string[] = [];
    for (const word of this.search.value.toLowerCase().split(/\s+/)) {
      if (word.startsWith('-') && word.length > 1) unwanted.push(word.slice(1));
      else if (word) wanted.push(word);
    }
    const rows: number[] = [];
    for (let row = 0; row < this.options.rows; ++row) {
      if ((this.only && !this.only.has(row)) || (this.also && !this.also(row))) continue;
      const text = this.texts[row];
      if (wanted.every((word) => text.includes(word)) && !unwanted.some((word) => text.includes(word))) rows.push(row);
    }
    this.rows = this.sorted(rows);
    this.active = Math.min(this.active, Math.max(0, rows.length - 1));
    this.words.textContent = this.options.words(rows, this.only ? shortened(this.onlyWords, 60) : '');
    this.table.setAttribute('aria-rowcount', String(rows.length + 1));
    for (const [id, cell] of this.headings) {
      if (id === this.sortedBy) cell.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    }
    this.scroll.scrollTop = 0;
    this.render();
  }

  private sorted(rows: number[]): number[] {
    const column = this.options.columns.find((each) => each.id === this.sortedBy)!;
    const keys = new Map<number, number | string>();
    for (const row of rows) keys.set(row, column.value(row));
    const sign = this.descending ? -1 : 1;
    return rows.sort((a, b) => {
      const x = keys.get(a)!;
      const y = keys.get(b)!;
      return x === y ? a - b : sign * (x < y ? -1 : 1);
    });
  }

  private heading(column: Column): HTMLElement {
    const button = html('button', {type: 'button', id: `${this.options.id}-sort-${column.id}`}, column.heading);
    const cell = html('th', {scope: 'col', class: `${column.figure ? 'figure ' : ''}${column.id}`}, button);
    button.addEventListener('click', () => {
      this.descending = this.sortedBy === column.id ? !this.descending : column.figure;
      this.sortedBy = column.id;
      this.refresh();
    });
    this.headings.set(column.id, cell);
    return cell;
  }

  // --- rows in sight ----------------------------------------------------------------------------

  private render() {
    const height = this.scroll.clientHeight || 400;
    let first = Math.max(0, Math.floor(this.scroll.scrollTop / kRowHeight) - kSpare);
    let last = Math.min(this.rows.length, Math.ceil((this.scroll.scrollTop + height) / kRowHeight) + kSpare);
    if (this.printing) [first, last] = [0, Math.min(this.rows.length, kPrinted)];
    const focused = this.body.contains(document.activeElement);
    const spacer = (rows: number) => {
      const row = html('tr', {class: 'spacer', 'aria-hidden': 'true'});
      row.style.height = `${rows * kRowHeight}px`;
      return row;
    };
    const shown: HTMLElement[] = [];
    if (first > 0) shown.push(spacer(first));
    for (let i = first; i < last; ++i) shown.push(this.rowElement(i));
    if (last < this.rows.length && !this.printing) shown.push(spacer(this.rows.length - last));
    this.body.replaceChildren(...shown);
    // One row can always be reached with the keyboard.
    if (!this.body.querySelector('tr[tabindex="0"]')) this.body.querySelector('tr[data-index]')?.setAttribute('tabindex', '0');
    if (focused) this.body.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus({preventScroll: true});
  }

  private rowElement(i: number): HTMLElement {
    const row = this.rows[i];
    const element = html('tr', {'data-index': i, 'aria-rowindex': i + 2, tabindex: i === this.active ? 0 : -1,
      class: row === this.opened ? 'opened' : '', 'aria-selected': String(row === this.opened)});
    for (const column of this.options.columns) {
      const text = column.text(row);
      const cell = html('td', {class: `${column.figure ? 'figure ' : ''}${column.id}`, role: 'gridcell'});
      if (column.mark) cell.classList.add(column.mark(row));
      if (column.swatch) {
        const swatch = html('i', {class: 'swatch'});
        swatch.style.background = column.swatch(row);
        cell.append(swatch);
      }
      if (column.endMatters) cell.classList.add('tail');
      cell.append(column.endMatters ? html('bdi', {dir: 'ltr'}, shortened(text, 200)) : shortened(text, 200));
      if (!column.figure && text.length > 24) cell.title = shortened(text, 600);
      element.append(cell);
    }
    return element;
  }

  private activate(i: number, open: boolean) {
    if (i < 0 || i >= this.rows.length) return;
    this.active = i;
    const top = i * kRowHeight;
    const head = this.table.tHead!.offsetHeight;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    const low = top + kRowHeight + head - this.scroll.clientHeight;
    if (low > this.scroll.scrollTop) this.scroll.scrollTop = low;
    this.render();
    this.body.querySelector<HTMLElement>(`tr[data-index="${i}"]`)?.focus({preventScroll: true});
    if (open) this.open(this.rows[i]);
  }

  private open(row: number) {
    const close = html('button', {type: 'button', class: 'quiet'}, 'close');
    close.addEventListener('click', () => this.close());
    this.detail.replaceChildren(this.options.detail(row, close));
    this.opened = row;
    this.render();
  }

  private close() {
    this.detail.replaceChildren();
    this.opened = -1;
    this.render();
    this.body.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus({preventScroll: true});
  }

  private key(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / kRowHeight) - 2);
    const moves: Record<string, number> = {ArrowDown: this.active + 1, ArrowUp: this.active - 1,
      PageDown: Math.min(this.rows.length - 1, this.active + page), PageUp: Math.max(0, this.active - page),
      Home: 0, End: this.rows.length - 1};
    if (event.key in moves) this.activate(moves[event.key], false);
    else if (event.key === 'Enter' || event.key === ' ') this.activate(this.active, true);
    else if (event.key === 'Escape') this.close();
    else return;
    event.preventDefault();
  }

  private print(on: boolean) {
    this.printing = on;
    this.render();
    const left = this.rows.length - kPrinted;
    this.scroll.parentElement?.querySelector('.not-printed')?.remove();
    if (on && left > 0) this.scroll.after(html('p', {class: 'not-printed'}, `… and ${count(left)} more`));
  }
}
