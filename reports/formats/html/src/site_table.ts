// site_table: every call site: what it costs in the chosen range and in all, unfolded to stack and curve.
import {Colours} from './colours';
import {html, section, shortened, whenSeen} from './dom';
import {Column, Grid} from './grid';
import {Model} from './model';
import {growthCurve, stackList} from './stack_view';
import {bytes, count, plain, slope} from './units';

export class SiteTable {
  readonly element: HTMLElement;
  private readonly answers: {name: string; source: string}[];
  private readonly grid: Grid;

  constructor(private readonly model: Model, private readonly colours: Colours) {
    const {sites} = model.data;
    this.answers = Array.from({length: model.rows}, (_, row) => model.stacks.answering(row));
    this.grid = new Grid({
      id: 'sites',
      label: 'Call sites',
      rows: model.rows,
      columns: this.makeColumns(),
      sortedBy: model.data.process_growth.grows ? 'gained' : 'peak',
      searchLabel: 'Search call sites',
      placeholder: 'function, file, tag; -word leaves out',
      searched: (row) => {
        const {name, source} = this.answers[row];
        return `${name}\n${source}\n${model.tagName(row)}\n${sites.trend[row]}\n${model.kindName(row)}`;
      },
      words: (rows, only) => this.listed(rows, only),
      detailId: 'site-detail',
      detail: (row, close) => this.detail(row, close),
    });
    const {search, clear, words, scroll, detail} = this.grid;
    this.element = section('sites', `Call sites (${count(sites.alone)})`,
      html('div', {class: 'controls'}, search, clear, words), scroll, detail);
    model.onRange(whenSeen(scroll, () => this.grid.refresh()));
  }

  showOnly(rows: number[], words: string) {
    this.grid.showOnly(rows, words);
    this.element.scrollIntoView({block: 'start'});
    this.element.focus({preventScroll: true});
  }

  private makeColumns(): Column[] {
    const {model} = this;
    const {sites} = model.data;
    const step = model.step === 'iteration' ? 'it' : model.step;
    const figure = (id: string, heading: string, value: (row: number) => number,
        text: (value: number) => string): Column =>
      ({id, heading, figure: true, value, text: (row) => text(value(row))});
    const word = (id: string, value: (row: number) => string, endMatters = false): Column =>
      ({id, heading: id, figure: false, value, text: value, endMatters});
    const columns: Column[] = [
      figure('gained', `growth/${step}`, (row) => model.gained(row) / model.steps, slope),
      figure('rate', `allocs/${step}`, (row) => model.allocated(row, true) / model.steps, plain),
      figure('end', 'live at end', (row) => sites.end[row], bytes),
      figure('blocks', 'blocks', (row) => sites.blocks_end[row], count),
      figure('peak', 'peak live', (row) => sites.peak[row], bytes),
      figure('allocations', 'allocations', (row) => sites.allocations[row], count),
      word('trend', (row) => sites.trend[row]),
      {id: 'tag', heading: 'tag', figure: false, value: (row) => model.tagName(row),
        text: (row) => model.tagName(row) + (sites.kind[row] === 2 ? ' *' : sites.kind[row] === 1 ? ' (mapped)' : ''),
        swatch: (row) => this.colours.lineName(sites.tag[row])},
      word('function', (row) => this.answers[row].name, true),
      word('source', (row) => this.answers[row].source, true),
    ];
    const {thread} = sites;
    if (thread) columns.splice(8, 0, word('thread', (row) => thread[row]));
    return columns;
  }

  private listed(rows: number[], only: string): string {
    const {sites} = this.model.data;
    const bytesAtEnd = rows.reduce((sum, row) => sum + (sites.kind[row] === 0 ? sites.end[row] : 0), 0);
    return `${count(rows.length)} of ${count(this.model.rows)}${only ? ` below ${only}` : ''}; ` +
      `${bytes(bytesAtEnd)} of heap live at the end`;
  }

  private detail(row: number, close: HTMLElement): HTMLElement {
    const {model} = this;
    const {sites} = model.data;
    const temporary = sites.temporary[row];
    return html('div', {class: 'card'},
      html('header', {}, html('h3', {}, html('span', {class: 'name'}, shortened(this.answers[row].name, 160))),
        html('span', {class: 'tag'}, model.tagName(row)), close),
      html('div', {class: 'body'},
        html('div', {class: 'pictures'}, growthCurve(model, this.colours, [row], sites.tag[row])),
        html('div', {class: 'words'}, html('p', {},
          `${count(sites.allocations[row])} allocations of ${bytes(sites.allocated[row])} in all` +
          (temporary > 0 ? `, ${count(temporary)} of them freed in the same ${model.step}` : '') +
          `; live at the peak ${bytes(sites.at_peak[row])}, at the end ${bytes(sites.end[row])} in ` +
          `${count(sites.blocks_end[row])} blocks; trend ${sites.trend[row]}.`)),
        stackList(model.stacks, row)));
  }
}
