// flame: the heap by stacks, at a moment or over the range that is brushed on the curve.
import flamegraph, {FlameNode} from 'd3-flame-graph';
import {select} from 'd3-selection';
import {Colours} from './colours';
import {html, onceAFrame, section, shortened, whenSeen} from './dom';
import {Drawn, HeapTree} from './heap_tree';
import {Model} from './model';
import {onTheme} from './theme';
import {bytes, count, percent, plain, slope} from './units';

type Mode = 'peak' | 'end' | 'growth' | 'rate';
const kRow = 19;

interface FrameElement extends SVGGElement {
  __data__: FlameNode<Drawn>;
}

export class Flame {
  readonly element: HTMLElement;
  private readonly tree: HeapTree;
  private readonly graph = html('div', {class: 'flame', id: 'flame-graph', role: 'group',
    'aria-label': 'Flame graph. Arrow keys move, Enter zooms, Escape goes back.'});
  private readonly words = html('p', {class: 'range-words', id: 'flame-words', 'aria-live': 'polite'});
  private readonly details = html('div', {class: 'details', id: 'flame-details'});
  private readonly search = html('input', {type: 'search', id: 'flame-search', placeholder: 'highlight frames',
    'aria-label': 'Highlight frames'});
  private readonly chart = flamegraph<Drawn>();
  private mode: Mode;
  private blocks = false;
  private focus = 0; // node that fills the width
  private current = 0; // node that has the keyboard
  private started = false;
  private readonly buttons = new Map<string, HTMLButtonElement>();

  constructor(private readonly model: Model, private readonly colours: Colours,
      private readonly showSites: (rows: number[], words: string) => void) {
    this.tree = new HeapTree(model, colours.order);
    this.mode = model.data.process_growth.grows ? 'growth' : 'peak';
    this.element = section('flame', 'Heap by call stack', this.controls(), this.words, this.graph, this.details);
    this.chart.inverted(true).cellHeight(kRow).transitionDuration(0).resetHeightOnZoom(true)
      .label((node) => `${shortened(this.tree.names[node.data.node], 300)}: ${this.amount(node.data.value)} ` +
        `(${percent(node.data.value, this.tree.total())})`)
      .setColorMapper((node) => this.colour(node))
      .onClick((node) => this.zoom(node.data.node))
      .onHover((node) => this.describe(node.data.node));
    this.graph.addEventListener('keydown', (event) => this.key(event));
    this.graph.addEventListener('focusin', (event) => {
      const frame = (event.target as Element).closest('g.frame') as FrameElement | null;
      if (frame) this.describe((this.current = frame.__data__.data.node));
    });
    this.search.addEventListener('input', onceAFrame(() => this.draw()));
    onTheme(() => this.started && this.draw());
    model.onRange(whenSeen(this.graph, () => this.draw()));
    new ResizeObserver(onceAFrame(() => this.draw())).observe(this.graph);
  }

  // --- what is shown ----------------------------------------------------------------------------

  private controls(): HTMLElement {
    const group = (label: string, ...buttons: [string, string, () => void][]) => {
      const box = html('div', {class: 'buttons', role: 'group', 'aria-label': label});
      for (const [id, words, action] of buttons) {
        const button = html('button', {type: 'button', id: `flame-${id}`}, words);
        button.addEventListener('click', () => {
          action();
          this.draw();
        });
        this.buttons.set(id, button);
        box.append(button);
      }
      return box;
    };
    const mode = (each: Mode) => () => (this.mode = each);
    const reset = html('button', {type: 'button', id: 'flame-reset', class: 'quiet'}, 'reset zoom');
    reset.addEventListener('click', () => this.zoom(0));
    return html('div', {class: 'controls'},
      group('What is shown', ['peak', 'live at peak', mode('peak')], ['end', 'live at end', mode('end')],
        ['growth', `growth per ${this.model.step}`, mode('growth')],
        ['rate', `allocated per ${this.model.step}`, mode('rate')]),
      group('Unit', ['bytes', 'bytes', () => (this.blocks = false)], ['blocks', 'blocks', () => (this.blocks = true)]),
      this.search, reset);
  }

  private weights(): {of: (row: number) => number; words: string} {
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

  private amount(value: number): string {
    const each = this.mode === 'growth' || this.mode === 'rate' ? `/${this.model.step}` : '';
    if (this.blocks) return `${plain(value)} block${value === 1 ? '' : 's'}${each}`;
    if (this.mode === 'growth') return slope(value) + each;
    return bytes(value) + each;
  }

  private colour(node: FlameNode<Drawn>): string {
    const {tag, node: id} = node.data;
    const name = this.tree.names[id];
    if (id === 0) return 'var(--root)';
    const term = this.search.value.toLowerCase();
    if (term && name.toLowerCase().includes(term)) return 'var(--found)';
    return this.colours.frame(tag, name);
  }

  // --- drawing ----------------------------------------------------------------------------------

  private draw() {
    const width = this.graph.clientWidth;
    if (width <= 0) return;
    const {of, words} = this.weights();
    const negative = this.tree.weigh(of);
    if (this.focus !== 0 && this.tree.total(this.focus) <= 0) this.focus = 0;
    const total = this.tree.total();
    this.words.textContent = total > 0
      ? `${this.amount(total)} ${words}.` + (negative < 0 ? ` What shrank (${this.amount(negative)}) is not drawn.` : '')
      : `Nothing: no bytes ${words}.`;
    for (const [id, button] of this.buttons) {
      const on = id === this.mode || (id === 'blocks' && this.blocks) || (id === 'bytes' && !this.blocks);
      button.setAttribute('aria-pressed', String(on));
    }
    this.graph.classList.toggle('searching', this.search.value !== '');
    this.graph.classList.toggle('nothing', total <= 0);
    const drawn = this.tree.drawn(this.focus, width);
    this.chart.width(width);
    if (this.started) {
      this.chart.update(drawn);
    } else {
      this.started = true;
      select(this.graph).datum(drawn).call(this.chart);
    }
    this.dress();
    this.describe(this.current);
  }

  private frames(): FrameElement[] {
    return [...this.graph.querySelectorAll<FrameElement>('g.frame')];
  }

  // What the package leaves out: names for those who do not see it, a way in for the keyboard.
  private dress() {
    const frames = this.frames();
    if (!frames.some((frame) => frame.__data__.data.node === this.current)) this.current = this.focus;
    const deepest = frames.reduce((depth, frame) => Math.max(depth, frame.__data__.depth), 0);
    this.graph.querySelector('svg')!.setAttribute('height', String((deepest + 1) * kRow));
    const term = this.search.value.toLowerCase();
    for (const frame of frames) {
      const {value, node, fade} = frame.__data__.data;
      const name = this.tree.names[node];
      frame.removeAttribute('name');
      frame.setAttribute('role', 'button');
      frame.setAttribute('aria-label', `${shortened(name, 200)}, ${this.amount(value)}`);
      frame.setAttribute('tabindex', node === this.current ? '0' : '-1');
      frame.classList.toggle('fade', Boolean(fade));
      frame.classList.toggle('found', term !== '' && name.toLowerCase().includes(term));
    }
  }

  private describe(node: number) {
    const {tree} = this;
    const value = tree.total(node);
    const parent = tree.parents[node];
    const parts: (Node | string)[] = [html('strong', {}, shortened(tree.names[node], 240)),
      ` ${this.amount(value)}, ${percent(value, tree.total())} of all`];
    if (parent > 0) parts.push(`, ${percent(value, tree.total(parent))} of its caller's`);
    if (tree.sources[node]) parts.push(html('span', {class: 'source'}, ` ${shortened(tree.sources[node], 120)} `));
    const button = html('button', {type: 'button', class: 'quiet', id: 'flame-sites'}, 'its call sites');
    button.addEventListener('click', () => this.showSites(tree.rows(node), tree.names[node]));
    this.details.replaceChildren(html('span', {}, ...parts), button);
  }

  private zoom(node: number) {
    this.focus = node;
    this.current = node;
    const inside = this.graph.contains(document.activeElement);
    this.draw();
    if (inside) this.move(node);
  }

  // --- keyboard ---------------------------------------------------------------------------------

  private move(node: number) {
    const frame = this.frames().find((each) => each.__data__.data.node === node);
    if (!frame) return;
    this.graph.querySelector('g.frame[tabindex="0"]')?.setAttribute('tabindex', '-1');
    frame.setAttribute('tabindex', '0');
    frame.focus();
  }

  private key(event: KeyboardEvent) {
    const frame = (event.target as Element).closest('g.frame') as FrameElement | null;
    if (!frame) return;
    const node = frame.__data__;
    const siblings = node.parent?.children ?? [node];
    const at = siblings.indexOf(node);
    const largest = (nodes: FlameNode<Drawn>[] = []) =>
      nodes.reduce<FlameNode<Drawn> | undefined>((a, b) => (a && a.data.value >= b.data.value ? a : b), undefined);
    const next: Record<string, FlameNode<Drawn> | null | undefined> = {
      ArrowDown: largest(node.children), ArrowUp: node.parent, ArrowLeft: siblings[at - 1],
      ArrowRight: siblings[at + 1],
    };
    if (event.key in next) {
      const to = next[event.key];
      if (to) this.move(to.data.node);
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.zoom(node.data.node);
    } else if (event.key === 'Escape' || event.key === 'Home') {
      this.zoom(0);
    } else {
      return;
    }
    event.preventDefault();
  }
}
