// model: the run as the views see it: rows of call sites, and the part of the clock that is looked at.
import {Counter, Histories, PageData, fromSteps, indexAt} from './data';
import {Stacks} from './stacks';

// Points of the histories: growth is counted from the end of `from` to the end of `to`.
export interface Range {
  from: number;
  to: number;
  whole: boolean; // nothing was chosen
}

export class Model {
  readonly histories: Histories;
  readonly rowOfSite = new Map<number, number>();
  readonly stacks: Stacks;
  private readonly heap: Float64Array; // live bytes of blocks, by point
  private readonly listeners: (() => void)[] = [];
  range: Range;

  constructor(readonly data: PageData) {
    this.histories = new Histories(data.sites);
    this.stacks = new Stacks(data, data.sites);
    data.sites.id.forEach((id, row) => {
      if (row < data.sites.alone) this.rowOfSite.set(id, row);
    });
    this.heap = this.heapByPoint();
    this.range = this.wholeRange();
  }

  get rows(): number {
    return this.data.sites.id.length;
  }

  get step(): string {
    return this.data.clock.step;
  }

  // --- the range --------------------------------------------------------------------------------

  // From the end of warm-up: what comes before is not judged.
  wholeRange(): Range {
    const numbers = this.histories.numbers;
    const to = Math.max(0, numbers.length - 1);
    const from = this.data.clock.base === null ? 0 : indexAt(numbers, this.data.clock.base);
    return {from: from < to ? from : 0, to, whole: true};
  }

  choose(first: number, last: number) {
    const numbers = this.histories.numbers;
    let from = indexAt(numbers, Math.min(first, last));
    let to = indexAt(numbers, Math.max(first, last));
    if (from === to) {
      if (to + 1 < numbers.length) ++to;
      else if (from > 0) --from;
    }
    this.set({from, to, whole: false});
  }

  chooseWhole() {
    this.set(this.wholeRange());
  }

  private set(range: Range) {
    this.range = range;
    for (const listener of this.listeners) listener();
  }

  onRange(listener: () => void) {
    this.listeners.push(listener);
  }

  number(point: number): number {
    return this.histories.numbers[point] ?? 0;
  }

  // Iterations between the range's ends.
  get steps(): number {
    return Math.max(1, this.number(this.range.to) - this.number(this.range.from));
  }

  // The point of the range with the highest live heap.
  peakPoint(): number {
    let best = this.range.from;
    for (let point = this.range.from; point <= this.range.to; ++point) if (this.heap[point] > this.heap[best]) best = point;
    return best;
  }

  private heapByPoint(): Float64Array {
    const {chart} = this.data;
    const numbers = fromSteps(chart.numbers);
    const curves = chart.tags.filter((each) => each.kind === 0).map((each) => fromSteps(each.live));
    return this.histories.numbers.map((number) => {
      const at = indexAt(numbers, number);
      return curves.reduce((sum, curve) => sum + curve[at], 0);
    });
  }

  // --- call sites -------------------------------------------------------------------------------

  tagName(row: number): string {
    return this.data.report.tags[this.data.sites.tag[row]]?.name ?? '?';
  }

  kindName(row: number): string {
    return ['block', 'mapping', 'nested'][this.data.sites.kind[row]] ?? 'block';
  }

  gained(row: number, blocks = false): number {
    const {from, to} = this.range;
    const live = (point: number) =>
      blocks ? this.histories.liveBlocks(row, point) : this.histories.liveBytes(row, point);
    return live(to) - live(from);
  }

  allocated(row: number, blocks = false): number {
    const counter = blocks ? Counter.allocations : Counter.allocated;
    return this.histories.at(row, this.range.to, counter) - this.histories.at(row, this.range.from, counter);
  }
}
