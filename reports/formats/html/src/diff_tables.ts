// diff_tables: the call sites and the tags of a difference.
import {Change, DiffData, Figure, Sum, difference, nameOf} from './diff_data';
import {html, section, shortened} from './dom';
import {Column, Grid} from './grid';
import {stackList} from './stack_view';
import {Stacks} from './stacks';
import {bytes, count, slope} from './units';

const kChanges: [Change, string][] = [['grew', '▲ grew'], ['shrank', '▼ shrank'], ['appeared', '+ appeared'],
  ['vanished', '− vanished'], ['other', '≠ else'], ['same', '= same']];
const kMarks: Record<Change, string> = {grew: '▲', shrank: '▼', appeared: '+', vanished: '−', other: '≠', same: '='};
const kMatched: Record<string, string> = {
  same: 'The same functions, files and lines on both sides.',
  moved: 'The same functions and files on both sides; lines differ.',
  alike: 'Matched by a part of its stack, or by names without arguments.',
};

function signed(value: number): string {
  return (value > 0 ? '+' : '') + count(value);
}

function more(value: number): string {
  return value > 0 ? 'more' : value < 0 ? 'less' : 'none';
}

export class DiffTable {
  readonly element: HTMLElement;
  private readonly grid: Grid;
  private readonly names: string[];
  private readonly hidden = new Set<Change>(['same']);

  constructor(private readonly data: DiffData, private readonly stacks: Stacks) {
    const {sites} = data;
    this.names = sites.tag.map((_, row) => stacks.answering(row).name);
    this.grid = new Grid({
      id: 'sites',
      label: 'Call sites that differ',
      rows: sites.tag.length,
      columns: this.columns(),
      sortedBy: 'effect',
      searchLabel: 'Search call sites',
      placeholder: 'function, file, tag; -word leaves out',
      searched: (row) => `${this.names[row]}\n${sites.place[row]}\n${this.tagName(row)}\n${sites.change[row]}\n` +
        sites.matched_by[row],
      words: (rows, only) => this.listed(rows, only),
      detailId: 'site-detail',
      detail: (row, close) => this.detail(row, close),
    });
    const {search, clear, words, scroll, detail} = this.grid;
    this.element = section('sites', `Call sites (${count(sites.tag.length)})`,
      html('div', {class: 'controls'}, this.switches(), search, clear, words), scroll, detail);
    this.grid.filter((row) => !this.hidden.has(sites.change[row]));
  }

  showOnly(rows: number[], words: string) {
    this.grid.showOnly(rows, words);
    this.element.scrollIntoView({block: 'start'});
    this.element.focus({preventScroll: true});
  }

  // Which changes are listed; more than one may be.
  private switches(): HTMLElement {
    const box = html('div', {class: 'buttons', role: 'group', 'aria-label': 'Changes that are listed'});
    for (const [change, words] of kChanges) {
      const number = this.data.counts[change];
      if (number === 0) continue;
      const button = html('button', {type: 'button', 'aria-pressed': String(!this.hidden.has(change)),
        id: `change-${change}`}, `${words} (${count(number)})`);
      button.addEventListener('click', () => {
        if (!this.hidden.delete(change)) this.hidden.add(change);
        button.setAttribute('aria-pressed', String(!this.hidden.has(change)));
        this.grid.refresh();
      });
      box.append(button);
    }
    return box;
  }

  private tagName(row: number): string {
    const {sites} = this.data;
    return nameOf(sites.tag_names[sites.tag[row]], sites.kind[row]);
  }

  private of(row: number, figure: Figure): number {
    const {was, is} = this.data.sites;
    return is[row][figure] - was[row][figure];
  }

  private columns(): Column[] {
    const {sites, growth_unit: unit} = this.data;
    const effect = (row: number) =>
      Math.max(Math.abs(this.of(row, Figure.liveBytes)), Math.abs(this.of(row, Figure.peakBytes)));
    const figure = (id: string, heading: string, of: Figure, text: (value: number) => string): Column =>
      ({id, heading, figure: true, value: (row) => this.of(row, of), text: (row) => text(this.of(row, of)),
        mark: (row) => more(this.of(row, of))});
    const columns: Column[] = [
      {id: 'effect', heading: 'change', figure: true, value: effect,
        text: (row) => `${kMarks[sites.change[row]]} ${sites.change[row]}`, mark: (row) => sites.change[row]},
      figure('live', 'live', Figure.liveBytes, slope),
      figure('live-blocks', 'blocks', Figure.liveBlocks, signed),
      figure('peak', 'at the peak', Figure.peakBytes, slope),
      figure('calls', 'allocations', Figure.allocations, signed),
      {id: 'was', heading: 'before', figure: true, value: (row) => sites.was[row][Figure.liveBytes],
        text: (row) => bytes(sites.was[row][Figure.liveBytes])},
      {id: 'is', heading: 'after', figure: true, value: (row) => sites.is[row][Figure.liveBytes],
        text: (row) => bytes(sites.is[row][Figure.liveBytes])},
      {id: 'tag', heading: 'tag', figure: false, value: (row) => this.tagName(row), text: (row) => this.tagName(row)},
      {id: 'function', heading: 'function', figure: false, value: (row) => this.names[row],
        text: (row) => this.names[row], endMatters: true},
      {id: 'source', heading: 'source', figure: false, value: (row) => sites.place[row],
        text: (row) => sites.place[row], endMatters: true},
    ];
    if (unit) columns.splice(4, 0, figure('growth', `growth/${unit === 'iteration' ? 'it' : unit}`, Figure.growth, slope));
    return columns;
  }

  private listed(rows: number[], only: string): string {
    const {sites} = this.data;
    const sum = rows.reduce((all, row) => all + (sites.kind[row] === 0 ? this.of(row, Figure.liveBytes) : 0), 0);
    return `${count(rows.length)} of ${count(sites.tag.length)}${only ? ` below ${only}` : ''}; ` +
      `live heap ${sum === 0 ? 'no difference' : slope(sum)}`;
  }

  private detail(row: number, close: HTMLElement): HTMLElement {
    const {sites, growth_unit: unit} = this.data;
    const body = html('tbody', {});
    const add = (name: string, figure: Figure, text: (value: number) => string, sign: (value: number) => string) =>
      body.append(html('tr', {}, html('th', {scope: 'row'}, name),
        html('td', {class: 'figure'}, text(sites.was[row][figure])), html('td', {class: 'figure'}, text(sites.is[row][figure])),
        html('td', {class: `figure ${more(this.of(row, figure))}`}, sign(this.of(row, figure)))));
    add('live', Figure.liveBytes, bytes, slope);
    add('blocks', Figure.liveBlocks, count, signed);
    add('live at the peak', Figure.peakBytes, bytes, slope);
    add('allocations', Figure.allocations, count, signed);
    add('allocated', Figure.allocatedBytes, bytes, slope);
    if (unit) add(`growth per ${unit}`, Figure.growth, slope, slope);
    const head = html('tr', {}, ...['', 'before', 'after', 'difference'].map((name) =>
      name ? html('th', {class: 'figure', scope: 'col'}, name) : html('td', {})));
    return html('div', {class: 'card'},
      html('header', {}, html('span', {class: `change ${sites.change[row]}`}, `${kMarks[sites.change[row]]} ${sites.change[row]}`),
        html('h3', {}, html('span', {class: 'name'}, shortened(this.names[row], 160)),
          html('span', {class: 'source'}, shortened(sites.place[row], 90))),
        html('span', {class: 'tag'}, this.tagName(row)), close),
      html('div', {class: 'body two'},
        html('div', {}, html('table', {class: 'plain'}, html('thead', {}, head), body),
          html('p', {class: 'quiet-text'}, kMatched[sites.matched_by[row]] ?? 'It is on one side only.')),
        stackList(this.stacks, row)));
  }
}

// Sums by tag, those that differ first; the last row is all of the heap.
export function tagsView(data: DiffData): HTMLElement {
  const unit = data.growth_unit;
  const headings = ['tag', 'change', 'before', 'after', 'live', '', 'blocks', 'at the peak', ...(unit ? [`per ${unit}`] : []),
    'allocations'];
  const head = html('tr', {}, ...headings.map((name) => name === ''
    ? html('td', {class: 'share'}) : html('th', {scope: 'col', class: name === 'tag' || name === 'change' ? '' : 'figure'}, name)));
  const most = Math.max(1, ...data.tags.map((tag) => Math.abs(difference(tag, Figure.liveBytes))));
  const cell = (row: Sum, figure: Figure, text: (value: number) => string) => {
    const value = difference(row, figure);
    return html('td', {class: `figure ${more(value)}`}, text(value));
  };
  const line = (row: Sum, name: string, bar: boolean) => {
    const live = difference(row, Figure.liveBytes);
    const meter = html('i', {class: more(live)});
    meter.style.width = `${(50 * Math.abs(live)) / most}%`;
    return html('tr', {},
      html('th', {scope: 'row', class: 'name'}, shortened(name, 80)),
      html('td', {class: `change ${row.change}`}, `${kMarks[row.change]} ${row.change}`),
      html('td', {class: 'figure'}, bytes(row.was[Figure.liveBytes])),
      html('td', {class: 'figure'}, bytes(row.is[Figure.liveBytes])),
      cell(row, Figure.liveBytes, slope),
      html('td', {class: 'share'}, bar && html('div', {class: 'balance', 'aria-hidden': 'true'}, meter)),
      cell(row, Figure.liveBlocks, signed), cell(row, Figure.peakBytes, slope),
      unit ? cell(row, Figure.growth, slope) : null, cell(row, Figure.allocations, signed));
  };
  const body = html('tbody', {}, ...data.tags.map((tag) => line(tag, nameOf(tag.name, tag.kind), true)));
  const foot = html('tfoot', {}, ...data.totals.filter((sum) => sum.kind === 0 || sum.change !== 'same')
    .map((sum) => line(sum, sum.kind === 0 ? 'all of the heap' : sum.kind === 1 ? 'all mappings' : 'all nested', false)));
  return section('tags', `Tags (${count(data.tags.length)})`,
    html('div', {class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Table of tags'},
      html('table', {class: 'plain tags'}, html('thead', {}, head), body, foot)),
    data.tags.some((tag) => tag.kind === 2) && html('p', {class: 'quiet-text'}, '* inside memory that is counted already: part of no total'));
}
