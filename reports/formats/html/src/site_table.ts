// site_table: every call site, of which only the rows in sight exist as elements. Sorted, searched, and unfolded to
// stack and curve.
import {Colours} from './colours';
import {html, onceAFrame, section, shortened, whenSeen} from './dom';
import {Model} from './model';
import {growthCurve, stackList} from './stack_view';
import {bytes, count, plain, slope} from './units';

const kRowHeight = 24;
const kSpare = 8; // rows beyond each edge
const kPrinted = 40;

interface Column {
  id: string;
  heading: string;
  figure: boolean;
  value: (row: number) => number | string;
  text: (row: number) => string;
}

export class SiteTable {
  readonly element: HTMLElement;
  private readonly columns: Column[];
  private readonly answers: {name: string; source: string; text: string}[];
  private readonly body = html('tbody', {});
  private readonly scroll = html('div', {class: 'scroll sites', tabindex: -1});
  private readonly words = html('p', {class: 'range-words', id: 'sites-words', 'aria-live': 'polite'});
  private readonly search = html('input', {type: 'search', id: 'sites-search',
    placeholder: 'function, file, tag; -word leaves out', 'aria-label': 'Search call sites'});
  private readonly detail = html('div', {class: 'site-detail', id: 'site-detail', 'aria-live': 'polite'});
  private readonly clear = html('button', {type: 'button', class: 'quiet', id: 'sites-clear', hidden: true}, 'show all');
  private readonly table: HTMLTableElement;
  private readonly headings = new Map<string, HTMLElement>();
  private rows: number[] = [];
  private only: Set<number> | null = null;
  private onlyWords = '';
  private sortedBy: string;
  private descending = true;
  private active = 0; // index into rows
  private printing = false;

  constructor(private readonly model: Model, private readonly colours: Colours) {
    this.columns = this.makeColumns();
    this.sortedBy = model.data.process_growth.grows ? 'gained' : 'peak';
    this.answers = Array.from({length: model.rows}, (_, row) => {
      const {name, source} = model.answering(row);
      return {name, source,
        text: `${name}\n${source}\n${model.tagName(row)}\n${model.data.sites.trend[row]}\n${model.kindName(row)}`
          .toLowerCase()};
    });
    const head = html('tr', {});
    for (const column of this.columns) head.append(this.heading(column));
    this.table = html('table', {class: 'plain', role: 'grid', 'aria-label': 'Call sites'},
      html('thead', {}, head), this.body);
    this.scroll.append(this.table);
    this.element = section('sites', `Call sites (${count(model.data.sites.alone)})`,
      html('div', {class: 'controls'}, this.search, this.clear, this.words), this.scroll, this.detail);
    this.search.addEventListener('input', onceAFrame(() => this.filter()));
    this.clear.addEventListener('click', () => this.showOnly(null, ''));
    this.scroll.addEventListener('scroll', onceAFrame(() => this.render()));
    this.body.addEventListener('keydown', (event) => this.key(event));
    this.body.addEventListener('click', (event) => {
      const row = (event.target as Element).closest('tr[data-index]') as HTMLElement | null;
      if (row) this.activate(Number(row.dataset.index), true);
    });
    new ResizeObserver(onceAFrame(() => this.render())).observe(this.scroll);
    model.onRange(whenSeen(this.scroll, () => this.filter()));
    addEventListener('beforeprint', () => this.print(true));
    addEventListener('afterprint', () => this.print(false));
    this.filter();
  }

  private makeColumns(): Column[] {
    const {model} = this;
    const {sites} = model.data;
    const step = model.step === 'iteration' ? 'it' : model.step;
    const figure = (id: string, heading: string, value: (row: number) => number,
        text: (value: number) => string): Column =>
      ({id, heading, figure: true, value, text: (row) => text(value(row))});
    const columns: Column[] = [
      figure('gained', `growth/${step}`, (row) => model.gained(row) / model.steps, slope),
      figure('rate', `allocs/${step}`, (row) => model.allocated(row, true) / model.steps, plain),
      figure('end', 'live at end', (row) => sites.end[row], bytes),
      figure('blocks', 'blocks', (row) => sites.blocks_end[row], count),
      figure('peak', 'peak live', (row) => sites.peak[row], bytes),
      figure('allocations', 'allocations', (row) => sites.allocations[row], count),
      {id: 'trend', heading: 'trend', figure: false, value: (row) => sites.trend[row], text: (row) => sites.trend[row]},
      {id: 'tag', heading: 'tag', figure: false, value: (row) => model.tagName(row), text: (row) =>
        model.tagName(row) + (sites.kind[row] === 2 ? ' *' : sites.kind[row] === 1 ? ' (mapped)' : '')},
      {id: 'function', heading: 'function', figure: false, value: (row) => this.answers[row].name,
        text: (row) => this.answers[row].name},
      {id: 'source', heading: 'source', figure: false, value: (row) => this.answers[row].source,
        text: (row) => this.answers[row].source},
    ];
    const {thread} = sites;
    if (thread) {
      columns.splice(8, 0, {id: 'thread', heading: 'thread', figure: false, value: (row) => thread[row],
        text: (row) => thread[row]});
    }
    return columns;
  }

  private heading(column: Column): HTMLElement {
    const button = html('button', {type: 'button', id: `sort-${column.id}`}, column.heading);
    const cell = html('th', {scope: 'col', class: `${column.figure ? 'figure ' : ''}${column.id}`}, button);
    button.addEventListener('click', () => {
      this.descending = this.sortedBy === column.id ? !this.descending : column.figure;
      this.sortedBy = column.id;
      this.filter();
    });
    this.headings.set(column.id, cell);
    return cell;
  }

  // --- what is listed ---------------------------------------------------------------------------

  showOnly(rows: number[] | null, words: string) {
    this.only = rows && new Set(rows);
    this.onlyWords = words;
    this.clear.hidden = rows === null;
    this.filter();
    if (rows) {
      this.element.scrollIntoView({block: 'start'});
      this.element.focus({preventScroll: true});
    }
  }

  private filter() {
    const wanted: string[] = [];
    const unwanted: string[] = [];
    for (const word of this.search.value.toLowerCase().split(/\s+/)) {
      if (word.startsWith('-') && word.length > 1) unwanted.push(word.slice(1));
      else if (word) wanted.push(word);
    }
    const rows: number[] = [];
    for (let row = 0; row < this.model.rows; ++row) {
      if (this.only && !this.only.has(row)) continue;
      const {text} = this.answers[row];
      if (wanted.every((word) => text.includes(word)) && !unwanted.some((word) => text.includes(word))) rows.push(row);
    }
    this.rows = this.sorted(rows);
    this.active = Math.min(this.active, Math.max(0, rows.length - 1));
    const bytesAtEnd = rows.reduce((sum, row) =>
      sum + (this.model.data.sites.kind[row] === 0 ? this.model.data.sites.end[row] : 0), 0);
    this.words.textContent = `${count(rows.length)} of ${count(this.model.rows)}` +
      `${this.only ? ` below ${shortened(this.onlyWords, 60)}` : ''}; ${bytes(bytesAtEnd)} of heap live at the end`;
    this.table.setAttribute('aria-rowcount', String(rows.length + 1));
    for (const [id, cell] of this.headings) {
      if (id === this.sortedBy) cell.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
    }
    this.scroll.scrollTop = 0;
    this.render();
  }

  private sorted(rows: number[]): number[] {
    const column = this.columns.find((each) => each.id === this.sortedBy)!;
    const keys = new Map<number, number | string>();
    for (const row of rows) keys.set(row, column.value(row));
    const sign = this.descending ? -1 : 1;
    return rows.sort((a, b) => {
      const x = keys.get(a)!;
      const y = keys.get(b)!;
      return x === y ? a - b : sign * (x < y ? -1 : 1);
    });
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
    const element = html('tr', {'data-index': i, 'aria-rowindex': i + 2, tabindex: i === this.active ? 0 : -1});
    for (const column of this.columns) {
      const text = column.text(row);
      const cell = html('td', {class: `${column.figure ? 'figure ' : ''}${column.id}`, role: 'gridcell'});
      if (column.id === 'tag') {
        const swatch = html('i', {class: 'swatch'});
        swatch.style.background = this.colours.lineName(this.model.data.sites.tag[row]);
        cell.append(swatch);
      }
      const cutsFront = column.id === 'function' || column.id === 'source';
      if (cutsFront) cell.classList.add('tail');
      cell.append(cutsFront ? html('bdi', {dir: 'ltr'}, shortened(text, 200)) : shortened(text, 200));
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
    const {model} = this;
    const {sites} = model.data;
    const name = this.answers[row].name;
    const close = html('button', {type: 'button', class: 'quiet'}, 'close');
    close.addEventListener('click', () => this.detail.replaceChildren());
    const temporary = sites.temporary[row];
    this.detail.replaceChildren(html('div', {class: 'card'},
      html('header', {}, html('h3', {}, html('span', {class: 'name'}, shortened(name, 160))),
        html('span', {class: 'tag'}, model.tagName(row)), close),
      html('div', {class: 'body'},
        html('div', {class: 'pictures'}, growthCurve(model, this.colours, [row], sites.tag[row])),
        html('div', {class: 'words'}, html('p', {},
          `${count(sites.allocations[row])} allocations of ${bytes(sites.allocated[row])} in all` +
          (temporary > 0 ? `, ${count(temporary)} of them freed in the same ${model.step}` : '') +
          `; live at the peak ${bytes(sites.at_peak[row])}, at the end ${bytes(sites.end[row])} in ` +
          `${count(sites.blocks_end[row])} blocks; trend ${sites.trend[row]}.`)),
        stackList(model, row))));
  }

  private key(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / kRowHeight) - 2);
    const moves: Record<string, number> = {ArrowDown: this.active + 1, ArrowUp: this.active - 1,
      PageDown: Math.min(this.rows.length - 1, this.active + page), PageUp: Math.max(0, this.active - page),
      Home: 0, End: this.rows.length - 1};
    if (event.key in moves) this.activate(moves[event.key], false);
    else if (event.key === 'Enter' || event.key === ' ') this.activate(this.active, true);
    else if (event.key === 'Escape') this.detail.replaceChildren();
    else return;
    event.preventDefault();
  }

  private print(on: boolean) {
    this.printing = on;
    this.render();
    const left = this.rows.length - kPrinted;
    this.element.querySelector('.not-printed')?.remove();
    if (on && left > 0) this.element.append(html('p', {class: 'not-printed'}, `… and ${count(left)} more`));
  }
}
