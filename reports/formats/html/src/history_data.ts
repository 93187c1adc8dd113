// history_data: what reports/history/history_html.cpp writes. Every name in it is one printable line.
export type Of = 'growth' | 'live' | 'allocations';

export interface HistoricRun {
  label: string;
  started: string;
  verdict: string;
  reason: string;
  iterations: number;
  per_second: number | null;
  peak_rss: number;
  live: number;
  blocks: number;
  growth: number;
  allocations: number;
  curve: number[];
  checks: {state: string; text: string}[];
  findings: {name: string; figures: string; why: string; stack: string[]}[];
}

export interface Group {
  name: string;
  conclusion: string;
  beginnings: {run: number; what: string; of: Of}[];
  runs: HistoricRun[];
}

export interface HistoryData {
  page: 'history';
  groups: Group[];
}

export const kVerdictMarks: Record<string, string> = {pass: '✓', fail: '✗', inconclusive: '?'};
export function runName(run: HistoricRun, number: number, most = 40): string {
  return `run ${number + 1}${run.label ? ` (${run.label.length <= most ? run.label : `${run.label.slice(0, most - 1)}…`})` : ''}`;
}
