// history: the page of many runs, one after the other: of each program what came of it, plots, a list of the runs, and what
// one of them found.
import {html, section, shortened, svg} from './dom';
import {Grid} from './grid';
import {Group, HistoricRun, HistoryData, kVerdictMarks, runName} from './history_data';
import {Page} from './page';
import {RunPlots} from './run_plots';
import {themeButton} from './theme';
import {bytes, count, plain, plural, rate, slope} from './units';

const kCheckMarks: Record<string, string> = {failed: '✗', inconclusive: '?', passed: '✓', note: '·'};
const kCurveWidth = 300;
const kCurveHeight = 84;

function verdictClass(verdict: string): string {
  return verdict === 'pass' || verdict === 'fail' ? verdict : 'open';
}

function liveCurve(run: HistoricRun): HTMLElement | null {
  const {curve} = run;
  if (curve.length < 2) return null;
  const high = Math.max(1, ...curve);
  const points = curve.map((value, i) => `${((i * kCurveWidth) / (curve.length - 1)).toFixed(1)} ` +
    (kCurveHeight - 2 - (Math.max(0, value) / high) * (kCurveHeight - 6)).toFixed(1));
  const line = `M${points.join('L')}`;
  return html('figure', {class: 'growth'},
    svg('svg', {viewBox: `0 0 ${kCurveWidth} ${kCurveHeight}`, preserveAspectRatio: 'none', role: 'img',
      'aria-label': `Live heap over the run: ${bytes(curve[0])} to ${bytes(curve[curve.length - 1])}`},
    svg('path', {d: `${line}L${kCurveWidth} ${kCurveHeight}L0 ${kCurveHeight}Z`, class: 'plot-area'}),
    svg('path', {d: line, class: 'plot-line', 'vector-effect': 'non-scaling-stroke'})),
    html('figcaption', {}, html('span', {}, 'start'), html('span', {}, `live heap, at most ${bytes(high)}`),
      html('span', {}, 'end')));
}

function finding(each: HistoricRun['findings'][number]): HTMLElement {
  return html('li', {},
    html('p', {}, html('strong', {}, shortened(each.name, 300)), ` ${each.figures}`),
    each.why && html('p', {class: 'quiet-text'}, shortened(each.why, 1200)),
    each.stack.length > 0 && html('ol', {class: 'stack', 'aria-label': 'Stack, innermost frame first'},
      ...each.stack.map((frame, i) => html('li', {class: i === 0 ? 'answers' : ''},
        html('span', {class: 'name', title: shortened(frame, 600)}, shortened(frame, 200))))));
}

function figures(run: HistoricRun): HTMLElement {
  const list = html('dl', {class: 'figures'});
  const add = (name: string, value: string) => list.append(html('div', {}, html('dt', {}, name), html('dd', {}, value)));
  add('live at the end', `${bytes(run.live)} in ${plural(run.blocks, 'block')}`);
  add('growth', `${slope(run.growth)}/iteration`);
  add('peak RSS', bytes(run.peak_rss));
  add('allocations', `${plain(run.allocations)}/iteration`);
  add('iterations', count(run.iterations));
  if (run.per_second !== null) add('speed', `${rate(run.per_second)} it/s`);
  return list;
}

function detail(group: Group, number: number, close: HTMLElement): HTMLElement {
  const run = group.runs[number];
  const checks = html('ul', {class: 'checks'}, ...run.checks.map((check) => html('li', {class: check.state},
    html('span', {class: 'mark', 'aria-hidden': 'true'}, kCheckMarks[check.state] ?? '·'),
    html('span', {class: 'unseen'}, `${check.state}: `), check.text)));
  const began = group.beginnings.filter((each) => each.run === number).map((each) =>
    html('p', {class: 'began'}, `▲ Here ${each.what}.`));
  const found = run.findings.length > 0 ? html('ol', {class: 'found-list'}, ...run.findings.map(finding))
    : html('p', {class: 'quiet-text'}, run.checks.length > 0 ? 'Nothing grows that could be accused.'
      : 'It was kept by a leakhunt that kept no findings; `leakhunt report RECORDING --db FILE` adds them.');
  return html('div', {class: `card run ${verdictClass(run.verdict)}`},
    html('header', {}, html('span', {class: 'badge small'}, run.verdict),
      html('h3', {}, runName(run, number), html('span', {class: 'source'}, `${run.started} UTC`)), close),
    ...began,
    run.checks.length > 0 ? checks : html('p', {}, run.reason),
    html('div', {class: 'body two'},
      html('div', {}, liveCurve(run), figures(run)),
      html('div', {}, html('h4', {}, run.findings.length > 0 ? `Findings (${run.findings.length})` : 'Findings'), found)));
}

function groupView(group: Group, number: number): HTMLElement {
  const {runs} = group;
  const id = `runs-${number + 1}`;
  const beganAt = new Map<number, string>();
  for (const each of group.beginnings) beganAt.set(each.run, `${beganAt.get(each.run) ?? ''}${each.what} `);
  const grid = new Grid({
    id,
    label: `Runs of ${shortened(group.name, 80)}`,
    rows: runs.length,
    columns: [
      {id: 'run', heading: 'run', figure: true, value: (row) => row, text: (row) => String(row + 1)},
      {id: 'started', heading: 'started (UTC)', figure: false, value: (row) => runs[row].started, text: (row) => runs[row].started},
      {id: 'label', heading: 'label', figure: false, value: (row) => runs[row].label, text: (row) => runs[row].label},
      {id: 'ended', heading: 'verdict', figure: false, value: (row) => runs[row].verdict,
        text: (row) => `${kVerdictMarks[runs[row].verdict] ?? '✗'} ${runs[row].verdict}`,
        mark: (row) => `is-${verdictClass(runs[row].verdict)}`},
      {id: 'live', heading: 'live at end', figure: true, value: (row) => runs[row].live, text: (row) => bytes(runs[row].live)},
      {id: 'growth', heading: 'growth/it', figure: true, value: (row) => runs[row].growth, text: (row) => slope(runs[row].growth)},
      {id: 'rss', heading: 'peak RSS', figure: true, value: (row) => runs[row].peak_rss, text: (row) => bytes(runs[row].peak_rss)},
      {id: 'speed', heading: 'it/s', figure: true, value: (row) => runs[row].per_second ?? -1,
        text: (row) => (runs[row].per_second === null ? '–' : rate(runs[row].per_second!))},
      {id: 'leaks', heading: 'findings', figure: true, value: (row) => runs[row].findings.length,
        text: (row) => count(runs[row].findings.length)},
      {id: 'why', heading: 'what decided it', figure: false, value: (row) => runs[row].reason,
        text: (row) => (beganAt.has(row) ? `▲ ${beganAt.get(row)!.trim()}; ` : '') + runs[row].reason},
    ],
    sortedBy: 'run',
    searchLabel: `Search runs of ${shortened(group.name, 80)}`,
    placeholder: 'label, verdict, finding',
    searched: (row) => [runs[row].label, runs[row].started, runs[row].verdict, runs[row].reason,
      ...runs[row].findings.map((each) => each.name)].join('\n'),
    words: (rows) => `${count(rows.length)} of ${plural(runs.length, 'run')}`,
    detailId: `${id}-detail`,
    detail: (row, close) => {
      plots?.select(row);
      return detail(group, row, close);
    },
  });
  const plots = runs.length > 1 ? new RunPlots(group, (run) => grid.openRow(run)) : null;
  const {search, clear, words, scroll, detail: opened} = grid;
  scroll.classList.add('runs');
  const failed = runs[runs.length - 1].verdict;
  return section(id, shortened(group.name, 160),
    html('p', {class: `reason ended ${verdictClass(failed)}`},
      html('span', {class: 'badge'}, failed), ` ${group.conclusion}.`),
    plots?.element,
    html('div', {class: 'controls'}, search, clear, words), scroll, opened);
}

export function historyPage(data: HistoryData): Page {
  const runs = data.groups.reduce((sum, group) => sum + group.runs.length, 0);
  const failing = data.groups.filter((group) => group.runs[group.runs.length - 1].verdict !== 'pass');
  const header = html('section', {id: 'summary', class: `verdict ${failing.length === 0 ? 'pass' : 'fail'}`, 'aria-label': 'Verdict'},
    html('div', {class: 'line'}, html('h1', {}, `${plural(runs, 'run')} of ${plural(data.groups.length, 'program')}`), themeButton()),
    html('p', {class: 'reason', id: 'reason'}, failing.length === 0
      ? 'The last run of each passes.'
      : `The last run does not pass: ${shortened(failing.slice(0, 8).map((group) => group.name).join(', '), 400)}` +
        `${failing.length > 8 ? ` and ${count(failing.length - 8)} more` : ''}.`));
  return {title: 'history', header, sections: data.groups.map((group, i) =>
    ({name: shortened(group.name, 40), element: groupView(group, i)}))};
}
