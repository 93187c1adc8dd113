// heap_tree: the call sites' stacks merged by names, the tag outermost; once for all moments. A moment is a weight for
// each row, and what is drawn of it is a small tree.
import {Stacks} from './stacks';

const kBlock = 0;
const kLeastPixels = 2; // of a box
const kLetterPixels = 7;
const kMostLetters = 400;
const kCut = '(stack cut off here)';

export interface Drawn {
  name: string; // as much of it as there is room for
  value: number;
  node: number; // of the merged tree
  tag: number;
  fade?: boolean;
  children?: Drawn[];
}

// The rows whose stacks are merged.
export interface TreeRows {
  tag: number[];
  kind: number[]; // only blocks have a place in the tree
  tagNames: string[];
  tagOrder: number[]; // those that come first
}

export class HeapTree {
  readonly names: string[] = ['everything'];
  readonly parents: number[] = [-1];
  readonly tags: number[] = [-1];
  readonly sources: string[] = [''];
  private readonly children: Map<string, number>[] = [new Map()];
  private readonly nodeOfRow: Int32Array; // -1: not in the heap
  private readonly order: number[][]; // of children
  private readonly totals: Float64Array;
  private readonly nets: Float64Array;

  constructor(private readonly stacks: Stacks, rows: TreeRows) {
    const {tag: tags, kind, tagNames, tagOrder} = rows;
    this.nodeOfRow = new Int32Array(tags.length).fill(-1);
    for (const tag of tagOrder) this.child(0, `tag ${tagNames[tag]}`, tag, '');
    for (let row = 0; row < tags.length; ++row) {
      if (kind[row] !== kBlock) continue;
      const tag = tags[row];
      let node = this.child(0, `tag ${tagNames[tag] ?? '?'}`, tag, '');
      if (stacks.isCut(row)) node = this.child(node, kCut, tag, '');
      this.nodeOfRow[row] = this.leaf(row, node, tag);
    }
    this.order = this.children.map((each, node) => {
      const list = [...each.values()];
      return node === 0 ? list : list.sort((a, b) => (this.names[a] < this.names[b] ? -1 : 1));
    });
    this.totals = new Float64Array(this.names.length);
    this.nets = new Float64Array(this.names.length);
  }

  private leaf(row: number, node: number, tag: number): number {
    const frames = this.stacks.stack(row).filter((frame) => !frame.plumbing);
    if (frames.length === 0) return this.child(node, this.stacks.answering(row).name, tag, '');
    for (let i = frames.length - 1; i >= 0; --i) node = this.child(node, frames[i].name, tag, frames[i].source);
    return node;
  }

  private child(parent: number, name: string, tag: number, source: string): number {
    let node = this.children[parent].get(name);
    if (node === undefined) {
      node = this.names.length;
      this.children[parent].set(name, node);
      this.children.push(new Map());
      this.names.push(name);
      this.parents.push(parent);
      this.tags.push(tag);
      this.sources.push(source);
    }
    return node;
  }

  // What is above 0 of each row's weight, summed up; and of `net` everything. Returns what was below 0.
  weigh(weight: (row: number) => number, net: (row: number) => number = weight): number {
    this.totals.fill(0);
    this.nets.fill(0);
    let negative = 0;
    for (let row = 0; row < this.nodeOfRow.length; ++row) {
      if (this.nodeOfRow[row] < 0) continue;
      const value = weight(row);
      if (value > 0) this.totals[this.nodeOfRow[row]] += value;
      else negative += value;
      this.nets[this.nodeOfRow[row]] += net(row);
    }
    for (let node = this.totals.length - 1; node > 0; --node) {
      this.totals[this.parents[node]] += this.totals[node];
      this.nets[this.parents[node]] += this.nets[node];
    }
    return negative;
  }

  total(node = 0): number {
    return this.totals[node];
  }

  net(node = 0): number {
    return this.nets[node];
  }

  rows(node: number): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.nodeOfRow.length; ++row) {
      let at = this.nodeOfRow[row];
      while (at > node) at = this.parents[at];
      if (at === node) rows.push(row);
    }
    return rows;
  }

  path(node: number): number[] {
    const path: number[] = [];
    for (let at = node; at >= 0; at = this.parents[at]) path.unshift(at);
    return path;
  }

  // The tree below `focus` as far as it can be seen in that many pixels, with the way to it. `sign` goes before a name.
  drawn(focus: number, width: number, sign: (node: number) => string = () => ''): Drawn {
    const pixelsOf = (node: number) => (this.totals[node] / this.totals[focus]) * width;
    const below = (node: number): Drawn => {
      const children = this.order[node].filter((child) => pixelsOf(child) > kLeastPixels).map(below);
      return {...this.box(node, pixelsOf(node), sign(node)), ...(children.length > 0 ? {children} : {})};
    };
    let tree = below(focus);
    for (let at = this.parents[focus]; at >= 0; at = this.parents[at])
      tree = {...this.box(at, width, sign(at)), fade: true, children: [tree]};
    return tree;
  }

  // Of a name that is too long the end is shown: that is the function, what stands before it are namespaces.
  private box(node: number, pixels: number, sign: string): Drawn {
    const name = this.names[node];
    const letters = Math.min(kMostLetters, Math.max(2, Math.floor((pixels - 8) / kLetterPixels) - sign.length));
    return {name: sign + (name.length <= letters ? name : `…${name.slice(1 - letters)}`), value: this.totals[node], node,
      tag: this.tags[node]};
  }
}
