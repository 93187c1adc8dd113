// flame: the heap by stacks, at a moment or over the range that is brushed on the curve.
import {Colours} from './colours';
import {html, section, whenSeen} from './dom';
import {FlameGraph, Weights} from './flame_graph';
import {HeapTree} from './heap_tree';
import {Model} from './model';
import {bytes, count, plain, slope} from './units';

type Mode = 'peak' | 'end' | 'growth' | 'rate';

export class Flame extends FlameGraph {
  readonly element: HTMLElement;
  private mode: Mode;
  private blocks = false;

  constructor(private readonly model: Model, private readonly colours: Colours,
      showSites: (rows: number[], words: string) => void) {
    const {report, sites} = model.data;
    const tagNames = report.tags.map((tag) => tag.name);
    super(new HeapTree(model.stacks, {tag: sites.tag, kind: sites.kind, tagNames, tagOrder: colours.order}), showSites);
    this.mode = model.data.process_growth.grows ? 'growth' : 'peak';
    this.element = section('flame', 'Flame graph: heap by call stack', this.controls(), this.words, this.graph, this.details);
    model.onRange(whenSeen(this.graph, () => this.draw()));
  }

  private controls(): HTMLElement {
    const mode = (id: Mode, words: string): [string, string, () => boolean, () => void] =>
      [id, words, () => this.mode === id, () => (this.mode = id)];
    return html('div', {class: 'controls'},
      this.group('What is shown', mode('peak', 'live at peak'), mode('end', 'live at end'),
        mode('growth', `growth per ${this.model.step}`), mode('rate', 'allocation rate')),
      this.group('Unit', ['bytes', 'bytes', () => !this.blocks, () => (this.blocks = false)],
        ['blocks', 'blocks', () => this.blocks, () => (this.blocks = true)]),
      this.search, this.reset);
  }

  protected weights(): Weights {
    const {of, words} = this.moment();
    return {of, words, nothing: `Nothing: no bytes ${words}.`};
  }

  private moment(): {of: (row: number) => number; words: string} {
    const {model, blocks} = this;
    const {sites, clock, peak} = model.data;
    const {range, histories, step} = model;
    const live = (row: number, point: number) =>
      blocks ? histories.liveBlocks(row, point) : histories.liveBytes(row, point);
    const between = `${step} ${count(model.number(range.from))} to ${count(model.number(range.to))}`;
    switch (this.mode) {
      case 'peak': {
        if (range.whole) {
          const column = blocks ? sites.blocks_at_peak : sites.at_peak;
          return {of: (row) => column[row], words: peak && clock.last !== null && peak.number > clock.last ? `live at the peak, after the last ${step}`
              : `live at the peak, ${step} ${count(peak?.number ?? 0)}`};
        }
        const point = model.peakPoint();
        return {of: (row) => live(row, point),
          words: `live at ${step} ${count(model.number(point))}, the highest of ${between}`};
      }
      case 'end': {
        if (range.whole) {
          const column = blocks ? sites.blocks_end : sites.end;
          return {of: (row) => column[row], words: `live at the end, ${step} ${count(clock.last ?? 0)}`};
        }
        return {of: (row) => live(row, range.to), words: `live at ${step} ${count(model.number(range.to))}`};
      }
      case 'growth':
        return {of: (row) => model.gained(row, blocks) / model.steps, words: `gained per ${step}, ${between}`};
      case 'rate':
        return {of: (row) => model.allocated(row, blocks) / model.steps, words: `allocated per ${step}, ${between}`};
    }
  }

  protected summary({words}: Weights, negative: number): string {
    return `${this.amount(this.tree.total())} ${words}.` +
      (negative < 0 ? ` What shrank (${this.amount(negative)}) is not drawn.` : '');
  }

  protected amount(value: number): string {
    const each = this.mode === 'growth' || this.mode === 'rate' ? `/${this.model.step}` : '';
    if (this.blocks) return `${plain(value)} block${value === 1 ? '' : 's'}${each}`;
    if (this.mode === 'growth') return slope(value) + each;
    return bytes(value) + each;
  }

  protected frameColour(_node: number, tag: number, name: string): string {
    return this.colours.frame(tag, name);
  }
}
