// verdict: what a reader sees first: the verdict, the reason that decided it, every other check, the figures.
import {command, html, shortened} from './dom';
import {Model} from './model';
import {themeButton} from './theme';
import {bytes, count, duration, percent, rate, slope} from './units';

const kMarks = {failed: '✗', inconclusive: '?', passed: '✓', note: '·'};
const kWords = {failed: 'failed', inconclusive: 'inconclusive', passed: 'passed', note: 'note'};

function headline(model: Model): {word: string; kind: string} {
  const {verdict, target_failed} = model.data.report;
  if (target_failed) return {word: 'TARGET FAILED', kind: 'fail'};
  if (verdict === 'pass') return {word: 'PASS', kind: 'pass'};
  return verdict === 'fail' ? {word: 'FAIL', kind: 'fail'} : {word: 'INCONCLUSIVE', kind: 'open'};
}

function sentence(model: Model): string {
  const first = model.data.checks[0];
  if (!first) return 'Nothing was checked.';
  return first.text.charAt(0).toUpperCase() + first.text.slice(1) + (/[.!?]$/.test(first.text) ? '' : '.');
}

function growthText(model: Model): [string, string] {
  const {report, clock} = model.data;
  if (report.trend === 'unjudged') return ['not judged', ''];
  return [`${slope(report.growth_bytes_per_iteration)}/${clock.step}`, report.trend];
}

// Of the peak, which may lie behind the last iteration.
function momentOf(model: Model): string {
  const {clock, peak} = model.data;
  if (!peak || clock.last === null) return '';
  return peak.number > clock.last ? `after the last ${clock.step}` : `at ${clock.step} ${count(peak.number)}`;
}

function figures(model: Model): HTMLElement {
  const {report, clock, peak} = model.data;
  const list = html('dl', {class: 'figures'});
  const add = (name: string, value: string, more = '') =>
    list.append(html('div', {}, html('dt', {}, name), html('dd', {}, value, more && html('small', {}, ` ${more}`))));
  const budget = report.budget.peak_rss_bytes;
  add('peak RSS', bytes(report.peak_rss_bytes),
    budget === null ? 'no budget' : `${percent(report.peak_rss_bytes, budget)} of ${bytes(budget)}`);
  add('growth', ...growthText(model));
  if (peak) add('peak live heap', bytes(peak.heap_bytes), momentOf(model));
  const planned = report.scenario?.iterations ?? 0;
  add(`${clock.step}s`, count(clock.completed),
    `${planned > 0 ? `of ${count(planned)}, ` : ''}${count(report.clock.warm_up)} warm-up`);
  if (clock.per_second !== null && clock.step === 'iteration') add('speed', `${rate(clock.per_second)} it/s`);
  if (report.forecast) {
    const left = report.forecast;
    add('budget breaks', left.iterations_left === 0 ? 'now' : `in ${count(left.iterations_left)} ${clock.step}s`,
      left.seconds_left === null ? '' : `after ${duration(left.seconds_left)}`);
  }
  if (report.threads.length > 1) {
    add('threads', count(report.thread_stacks.threads), `at most ${count(report.thread_stacks.most_at_once)} at once`);
  }
  add('tracker', bytes(report.tracker.mapped_bytes), `stacks by ${report.tracker.unwinder || 'an unknown unwinder'}`);
  return list;
}

export function verdictView(model: Model): HTMLElement {
  const {word, kind} = headline(model);
  const {data} = model;
  const checks = html('ul', {class: 'checks'});
  for (const check of data.checks.slice(1)) {
    checks.append(html('li', {class: check.state},
      html('span', {class: 'mark', 'aria-hidden': 'true'}, kMarks[check.state]),
      html('span', {class: 'unseen'}, `${kWords[check.state]}: `), check.text));
  }
  const header = html('section', {id: 'summary', class: `verdict ${kind}`, 'aria-label': 'Verdict'},
    html('div', {class: 'line'},
      html('span', {class: 'badge', id: 'verdict'}, word),
      html('h1', {}, shortened(data.title)), themeButton()),
    html('p', {class: 'reason', id: 'reason'}, sentence(model)),
    checks.childElementCount > 0 && checks,
    figures(model));
  if (data.report.scenario?.description) header.append(html('p', {class: 'about'}, data.report.scenario.description));
  if (data.again) header.append(command('run it again', data.again));
  return header;
}
