// diff_data: what reports/formats/diff_html.cpp writes. Every name in it is one printable line.
import {StackColumns, StackTables} from './stacks';

export type Change = 'appeared' | 'vanished' | 'grew' | 'shrank' | 'other' | 'same';

// In this order; the C++ side calls it Figures.
export type Figures = [liveBytes: number, liveBlocks: number, peakBytes: number, peakBlocks: number, allocations: number,
  allocatedBytes: number, growth: number];
export const enum Figure {
  liveBytes,
  liveBlocks,
  peakBytes,
  peakBlocks,
  allocations,
  allocatedBytes,
  growth,
}

export interface Sum {
  name: string;
  kind: number; // 0 block, 1 mapping, 2 nested
  change: Change;
  was: Figures;
  is: Figures;
}

export interface Side {
  words: string;
  moment: string;
  verdict: string;
  peak_rss_bytes: number;
  number: number | null; // of the clock
  curve: {numbers: number[]; heap: number[]; rss: number[]}; // steps
}

export interface DiffData extends StackTables {
  page: 'diff';
  conclusion: string;
  cause: string;
  one_run: boolean;
  steps: number | null;
  step: string;
  growth_unit: string; // empty: growth cannot be compared
  before: Side;
  after: Side;
  notes: string[];
  totals: Sum[]; // heap, mappings, nested
  tags: Sum[];
  counts: Record<Change, number>;
  sites: StackColumns & {
    tag_names: string[];
    tag: number[];
    kind: number[];
    change: Change[];
    matched_by: string[];
    place: string[];
    was: Figures[];
    is: Figures[];
  };
}

export function difference(row: {was: Figures; is: Figures}, figure: Figure): number {
  return row.is[figure] - row.was[figure];
}

export function nameOf(name: string, kind: number): string {
  return name + (kind === 2 ? ' *' : kind === 1 ? ' (mapped)' : '');
}
