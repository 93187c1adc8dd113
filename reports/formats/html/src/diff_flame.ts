// diff_flame: what differs, by stacks. Red and ▲ is more than before; blue, hatched and ▼ is less.
import {DiffData, Figure} from './diff_data';
import {html, section, svg} from './dom';
import {FlameGraph, Weights} from './flame_graph';
import {HeapTree} from './heap_tree';
import {Stacks} from './stacks';
import {theme} from './theme';
import {bytes, plain, slope} from './units';

type Width = 'differs' | 'before' | 'after';
type What = 'live' | 'peak' | 'allocated' | 'growth';
const kShades = 5;

export class DiffFlame extends FlameGraph {
  readonly element: HTMLElement;
  private width: Width = 'differs';
  private what: What = 'live';
  private blocks = false;

  constructor(private readonly data: DiffData, stacks: Stacks, showSites: (rows: number[], words: string) => void) {
    const {sites} = data;
    const tagNames = sites.tag_names;
    super(new HeapTree(stacks, {tag: sites.tag, kind: sites.kind, tagNames, tagOrder: []}), showSites);
    this.element = section('flame', 'Flame graph: what differs, by call stack', this.controls(), this.words, hatching(), this.graph,
      this.details);
  }

  private controls(): HTMLElement {
    const what = (id: What, words: string): [string, string, () => boolean, () => void] =>
      [id, words, () => this.what === id, () => (this.what = id)];
    const width = (id: Width, words: string): [string, string, () => boolean, () => void] =>
      [id, words, () => this.width === id, () => (this.width = id)];
    const growth = this.data.growth_unit ? [what('growth', `growth per ${this.data.growth_unit}`)] : [];
    return html('div', {class: 'controls'},
      this.group('What is shown', what('live', 'live'), what('peak', 'live at the peak'), what('allocated', 'allocated'),
        ...growth),
      this.group('As wide as', width('differs', 'what differs'), width('before', 'before'), width('after', 'after')),
      this.group('Unit', ['bytes', 'bytes', () => !this.blocks, () => (this.blocks = false)],
        ['blocks', 'blocks', () => this.blocks, () => (this.blocks = true)]),
      this.search, this.reset,
      html('span', {class: 'key'}, html('i', {class: 'swatch more'}), '▲ more', html('i', {class: 'swatch less'}), '▼ less'));
  }

  private figure(): Figure {
    switch (this.what) {
      case 'live':
        return this.blocks ? Figure.liveBlocks : Figure.liveBytes;
      case 'peak':
        return this.blocks ? Figure.peakBlocks : Figure.peakBytes;
      case 'allocated':
        return this.blocks ? Figure.allocations : Figure.allocatedBytes;
      case 'growth':
        return Figure.growth;
    }
  }

  protected weights(): Weights {
    const {was, is} = this.data.sites;
    const figure = this.figure();
    const net = (row: number) => is[row][figure] - was[row][figure];
    const {width} = this;
    const of = width === 'before' ? (row: number) => was[row][figure]
      : width === 'after' ? (row: number) => is[row][figure] : (row: number) => Math.abs(net(row));
    const what = {live: 'is live', peak: 'was live at the peak', allocated: 'was allocated', growth: 'grows'}[this.what];
    return {of, net, words: width,
      nothing: width === 'differs' ? `Nothing: what ${what} is the same.` : `Nothing ${what} ${width}.`};
  }

  protected summary(): string {
    const {tree} = this;
    const total = tree.total();
    const net = tree.net();
    if (this.width !== 'differs') {
      return `${this.plainAmount(total)} ${this.width}; ${net === 0 ? 'no more and no less' : this.amount(net)} in all. ` +
        `A box is as wide as what was there ${this.width}, and coloured by what differs.`;
    }
    const [more, less] = [(total + net) / 2, (total - net) / 2];
    return `${this.amount(more)} came, ${less === 0 ? 'nothing' : this.amount(-less)} went: ` +
      `${net === 0 ? 'no difference' : this.amount(net)} in all. A box is as wide as both together.`;
  }

  private plainAmount(value: number): string {
    const each = this.what === 'growth' ? `/${this.data.growth_unit}` : '';
    return this.blocks && this.what !== 'growth' ? `${plain(value)} block${value === 1 ? '' : 's'}` : bytes(value) + each;
  }

  // Of a difference, with its sign.
  protected amount(value: number): string {
    if (this.blocks && this.what !== 'growth')
      return `${value > 0 ? '+' : ''}${plain(value)} block${Math.abs(value) === 1 ? '' : 's'}`;
    return slope(value) + (this.what === 'growth' ? `/${this.data.growth_unit}` : '');
  }

  protected override amountOf(node: number): string {
    const {tree} = this;
    const net = tree.net(node);
    const total = tree.total(node);
    const words = net === 0 ? 'no difference' : this.amount(net);
    if (this.width !== 'differs') return `${words}; ${this.plainAmount(total)} ${this.width}`;
    return Math.abs(net) === total ? words
      : `${words} (${this.amount((total + net) / 2)} and ${this.amount((net - total) / 2)})`;
  }

  protected override sign(node: number): string {
    const net = this.tree.net(node);
    return net > 0 ? '▲ ' : net < 0 ? '▼ ' : '';
  }

  // The stronger the more of the box differs.
  protected frameColour(node: number): string {
    const net = this.tree.net(node);
    const share = Math.min(1, Math.abs(net) / (this.tree.total(node) || 1));
    if (share === 0) return 'var(--same)';
    const shade = Math.min(kShades, Math.max(1, Math.ceil(share * kShades)));
    return net < 0 ? `url(#less-${shade})` : more(shade);
  }
}

function more(shade: number): string {
  return theme() === 'dark' ? `hsl(2 ${22 + 8 * shade}% ${26 + 3 * shade}%)` : `hsl(4 ${40 + 10 * shade}% ${92 - 4 * shade}%)`;
}

// Fills of what is less, which the frames refer to.
function hatching(): SVGElement {
  const patterns = Array.from({length: kShades}, (_, i) =>
    svg('pattern', {id: `less-${i + 1}`, width: 7, height: 7, patternUnits: 'userSpaceOnUse',
      patternTransform: 'rotate(45)'},
    svg('rect', {class: `less-${i + 1}`, width: 7, height: 7}), svg('rect', {class: 'hatch', width: 2, height: 7})));
  return svg('svg', {width: 0, height: 0, class: 'unseen', 'aria-hidden': 'true'}, svg('defs', {}, ...patterns));
}
