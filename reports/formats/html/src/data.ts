// data: what reports/formats/page_data.cpp writes, and how to read it. Every name in it is one printable line.
//
//   steps   equal differences, counted: [difference, times, ...]; the first is from 0
//   runs    what a call site did between points: [intervals, allocations, bytes, frees, freed bytes, ...]

import {StackColumns, StackTables} from './stacks';

export type CheckState = 'failed' | 'inconclusive' | 'passed' | 'note';

export interface Growth {
  trend: string;
  bytes: number;
  since: number;
  grows: boolean;
}

// As in report.json: docs/report.schema.json. Only what is drawn is named here.
export interface Finding {
  kind: string;
  tag: string | null;
  function: string;
  file: string;
  line: number;
  growth_bytes_per_iteration: number;
  growth_bytes_per_iteration_interval: [number, number];
  growth_blocks_per_iteration: number;
  confidence: number;
  exact: boolean;
  trend: string;
  since_iteration: number;
  period: number;
  repeats: number;
  share_of_growth: number;
  iterations_left: number | null;
  allocations_per_iteration: number;
  frees_per_iteration: number;
  survival: {
    live_blocks: number;
    born_after_warm_up: number;
    born_in_first_half: number;
    generations: {first: number; last: number; born: number; alive: number}[];
  } | null;
  keeping: string;
  chance: number;
  call_sites: number[];
  threads?: number[];
  [more: string]: unknown;
}

export interface Tag {
  name: string;
  peak_live_bytes: number;
  live_bytes_end: number;
  live_blocks_end: number;
  growth_bytes_per_iteration: number;
  trend: string;
  nested: boolean;
}

export interface ProcessRow {
  pid: number;
  parent_pid: number | null;
  command: string;
  verdict: string;
  trend: string;
  growth_bytes_per_iteration: number;
  peak_live_bytes: number;
  live_bytes_exit: number;
  allocations: number;
  complete: boolean;
  left_running: boolean;
  reasons: string[];
}

export interface Thread {
  number: number | null;
  tid?: number;
  name: string;
  start_routine?: string;
  begin_seconds?: number;
  end_seconds?: number | null;
  stack_reserved_bytes?: number;
  stack_touched_bytes?: number;
  allocations?: number;
  peak_live_bytes?: number;
  live_bytes_end?: number;
  growth_bytes_per_iteration?: number;
}

export interface Report {
  verdict: 'pass' | 'fail' | 'inconclusive';
  target_failed: boolean;
  peak_rss_bytes: number;
  iterations_per_second: number | null;
  growth_bytes_per_iteration: number;
  trend: string;
  budget: {
    peak_rss_bytes: number | null;
    growth_bytes_per_iteration: number | null;
    min_iterations_per_second: number | null;
  };
  tags: Tag[];
  findings: Finding[];
  ledger: Record<string, unknown>;
  tracker: Record<string, unknown> & {mapped_bytes: number; unwinder: string};
  clock: {unit: string; marked_by: string | null; warm_up: number; judged: number; judged_seconds: number};
  forecast: {iterations_left: number; iteration: number; seconds_left: number | null} | null;
  rss: {trend: string; growth_bytes_per_iteration: number; slack_bytes_per_iteration: number | null};
  scenario: {name: string; description: string; defect: string; iterations: number} | null;
  process: {pid: number; executable: string; command_line: string[]};
  processes?: ProcessRow[];
  processes_total?: {processes: number; left_out: number; not_read: number; allocations: number;
    live_bytes_exit: number; sum_of_peak_live_bytes: number};
  threads: Thread[];
  thread_stacks: {threads: number; most_at_once: number};
  [more: string]: unknown;
}

export interface SiteColumns extends StackColumns {
  id: number[];
  tag: number[];
  kind: number[]; // 0 block, 1 mapping, 2 nested
  trend: string[];
  thread?: string[];
  peak: number[];
  at_peak: number[];
  blocks_at_peak: number[];
  end: number[];
  blocks_end: number[];
  allocations: number[];
  allocated: number[];
  temporary: number[];
  rate: number[];
  growth: number[];
  growth_blocks: number[];
  numbers: number[]; // steps
  runs: number[][];
}

export interface PageData extends StackTables {
  page: 'report';
  title: string;
  command: string;
  again: string;
  checks: {state: CheckState; text: string}[];
  clock: {step: string; completed: number; base: number | null; last: number | null; per_second: number | null};
  peak: {number: number; heap_bytes: number} | null;
  heap_growth: Growth;
  process_growth: Growth;
  threads_in_words: string;
  report: Report;
  sites: SiteColumns;
  chart: {
    numbers: number[];
    milliseconds: number[];
    rss: number[];
    tags: {tag: number; kind: number; peak: number; live: number[]}[];
  };
}

export function fromSteps(steps: number[]): Float64Array {
  let length = 0;
  for (let i = 1; i < steps.length; i += 2) length += steps[i];
  const values = new Float64Array(length);
  let value = 0;
  let at = 0;
  for (let i = 0; i < steps.length; i += 2) {
    for (let times = steps[i + 1]; times > 0; --times) values[at++] = value += steps[i];
  }
  return values;
}

// The last index whose value is at most `wanted`; 0 where there is none. `values` ascend.
export function indexAt(values: ArrayLike<number>, wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

export const enum Counter {
  allocations,
  allocated,
  frees,
  freed,
}
const kCounters = 4;

// Counters of every row at every point, from the runs.
export class Histories {
  readonly numbers: Float64Array;
  private readonly firstRun: Int32Array; // by row, and the end
  private readonly begins: Int32Array; // by run: its first interval
  private readonly each: Float64Array;
  private readonly before: Float64Array; // sums of the runs before

  constructor(sites: SiteColumns) {
    this.numbers = fromSteps(sites.numbers);
    const rows = sites.runs.length;
    this.firstRun = new Int32Array(rows + 1);
    for (let row = 0; row < rows; ++row) this.firstRun[row + 1] = this.firstRun[row] + sites.runs[row].length / 5;
    const runs = this.firstRun[rows];
    this.begins = new Int32Array(runs);
    this.each = new Float64Array(runs * kCounters);
    this.before = new Float64Array(runs * kCounters);
    for (let row = 0; row < rows; ++row) this.read(sites.runs[row], this.firstRun[row]);
  }

  private read(flat: number[], first: number) {
    const sums = [0, 0, 0, 0];
    let begin = 0;
    for (let at = 0, run = first; at < flat.length; at += 5, ++run) {
      this.begins[run] = begin;
      begin += flat[at];
      for (let c = 0; c < kCounters; ++c) {
        this.each[run * kCounters + c] = flat[at + 1 + c];
        this.before[run * kCounters + c] = sums[c];
        sums[c] += flat[at] * flat[at + 1 + c];
      }
    }
  }

  // Up to and including the point.
  at(row: number, point: number, counter: Counter): number {
    let low = this.firstRun[row];
    let high = this.firstRun[row + 1];
    if (low === high || point < 0) return 0;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.begins[middle] <= point) low = middle;
      else high = middle;
    }
    const slot = low * kCounters + counter;
    return this.before[slot] + (point - this.begins[low] + 1) * this.each[slot];
  }

  liveBytes(row: number, point: number): number {
    return this.at(row, point, Counter.allocated) - this.at(row, point, Counter.freed);
  }

  liveBlocks(row: number, point: number): number {
    return this.at(row, point, Counter.allocations) - this.at(row, point, Counter.frees);
  }
}
