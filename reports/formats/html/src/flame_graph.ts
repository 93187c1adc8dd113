// flame_graph: stacks as boxes, as wide as what is weighed of them; zoomed, searched and walked with mouse and keyboard.
// What is weighed, and how it is coloured, a page says: flame, diff_flame.
import flamegraph, {FlameNode} from 'd3-flame-graph';
import {select} from 'd3-selection';
import {html, onceAFrame, shortened} from './dom';
import {Drawn, HeapTree} from './heap_tree';
import {onTheme} from './theme';
import {percent} from './units';

const kRow = 19;

interface FrameElement extends SVGGElement {
  __data__: FlameNode<Drawn>;
}

export interface Weights {
  of: (row: number) => number;
  net?: (row: number) => number; // what becomes the sign and the colour, if not the same
  words: string; // of what there is so much
  nothing: string; // a sentence where there is nothing
}

export abstract class FlameGraph {
  protected readonly graph = html('div', {class: 'flame', id: 'flame-graph', role: 'group',
    'aria-label': 'Flame graph. Arrow keys move, Enter zooms, Escape goes back.'});
  protected readonly words = html('p', {class: 'range-words', id: 'flame-words', 'aria-live': 'polite'});
  protected readonly details = html('div', {class: 'details', id: 'flame-details'});
  protected readonly search = html('input', {type: 'search', id: 'flame-search', placeholder: 'highlight frames',
    'aria-label': 'Highlight frames'});
  protected readonly reset = html('button', {type: 'button', id: 'flame-reset', class: 'quiet'}, 'reset zoom');
  private readonly chart = flamegraph<Drawn>();
  private focus = 0; // node that fills the width
  private current = 0; // node that has the keyboard
  private started = false;
  private readonly buttons = new Map<string, {button: HTMLButtonElement; isOn: () => boolean}>();

  constructor(protected readonly tree: HeapTree,
      private readonly showSites: (rows: number[], words: string) => void) {
    this.chart.inverted(true).cellHeight(kRow).transitionDuration(0).resetHeightOnZoom(true)
      .label((node) => `${shortened(this.tree.names[node.data.node], 300)}: ${this.amountOf(node.data.node)} ` +
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
    this.reset.addEventListener('click', () => this.zoom(0));
    onTheme(() => this.started && this.draw());
    new ResizeObserver(onceAFrame(() => this.draw())).observe(this.graph);
  }

  // --- what is shown ----------------------------------------------------------------------------

  protected abstract weights(): Weights;
  // A weight in words.
  protected abstract amount(value: number): string;
  protected abstract frameColour(node: number, tag: number, name: string): string;
  // The line above the graph.
  protected abstract summary(weights: Weights, negative: number): string;
  // What is said of a box, and what goes before its name.
  protected amountOf(node: number): string {
    return this.amount(this.tree.total(node));
  }
  protected sign(_node: number): string {
    return '';
  }

  // Buttons of which one is pressed.
  protected group(label: string, ...buttons: [id: string, words: string, isOn: () => boolean, action: () => void][]) {
    const box = html('div', {class: 'buttons', role: 'group', 'aria-label': label});
    for (const [id, words, isOn, action] of buttons) {
      const button = html('button', {type: 'button', id: `flame-${id}`}, words);
      button.addEventListener('click', () => {
        action();
        this.draw();
      });
      this.buttons.set(id, {button, isOn});
      box.append(button);
    }
    return box;
  }

  private colour(node: FlameNode<Drawn>): string {
    const {tag, node: id} = node.data;
    const name = this.tree.names[id];
    if (id === 0) return 'var(--root)';
    const term = this.search.value.toLowerCase();
    if (term && name.toLowerCase().includes(term)) return 'var(--found)';
    return this.frameColour(id, tag, name);
  }

  // --- drawing ----------------------------------------------------------------------------------

  protected draw() {
    const width = this.graph.clientWidth;
    if (width <= 0) return;
    const weights = this.weights();
    const negative = this.tree.weigh(weights.of, weights.net);
    if (this.focus !== 0 && this.tree.total(this.focus) <= 0) this.focus = 0;
    const total = this.tree.total();
    this.words.textContent = total > 0 ? this.summary(weights, negative) : weights.nothing;
    for (const {button, isOn} of this.buttons.values()) button.setAttribute('aria-pressed', String(isOn()));
    this.graph.classList.toggle('searching', this.search.value !== '');
    this.graph.classList.toggle('nothing', total <= 0);
    const drawn = this.tree.drawn(this.focus, width, (node) => this.sign(node));
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
      const {node, fade} = frame.__data__.data;
      const name = this.tree.names[node];
      frame.removeAttribute('name');
      frame.setAttribute('role', 'button');
      frame.setAttribute('aria-label', `${shortened(name, 200)}, ${this.amountOf(node)}`);
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
      ` ${this.amountOf(node)}, ${percent(value, tree.total())} of all`];
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
