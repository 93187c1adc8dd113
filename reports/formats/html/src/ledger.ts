// ledger: what resident memory consists of. Its lines are drawn as they come: an object with a name, amounts in bytes
// and, maybe, lines of its own.
import {html, section, shortened} from './dom';
import {Model} from './model';
import {bytes, count, percent, plain} from './units';

interface Line {
  name: string;
  amounts: Map<string, number>;
  note: string;
  children: Line[];
}

const kLists = ['lines', 'children', 'parts'];

function words(key: string): string {
  return key.replace(/_bytes$/, '').replaceAll('_', ' ');
}

function readLine(value: Record<string, unknown>): Line {
  const line: Line = {name: '', amounts: new Map(), note: '', children: []};
  for (const [key, each] of Object.entries(value)) {
    if (kLists.includes(key) && Array.isArray(each)) {
      line.children = each.filter((one) => one && typeof one === 'object').map(readLine);
    } else if (key === 'name') {
      line.name = String(each);
    } else if (typeof each === 'number' && /bytes$|^(reserved|resident|bytes)$/.test(key)) {
      line.amounts.set(words(key) || 'bytes', each);
    } else if (typeof each === 'string' && each !== '') {
      line.note += (line.note ? '; ' : '') + each;
    }
  }
  return line;
}

// A ledger without lines is one of amounts: each is a line.
function readLedger(ledger: Record<string, unknown>): {lines: Line[]; rss: number} {
  const rss = typeof ledger.rss_bytes === 'number' ? ledger.rss_bytes : 0;
  const whole = readLine(ledger);
  if (whole.children.length > 0) return {lines: whole.children, rss};
  const lines: Line[] = [];
  for (const [name, amount] of whole.amounts) {
    if (name !== 'rss') lines.push({name, amounts: new Map([['bytes', amount]]), note: '', children: []});
  }
  return {lines, rss};
}

export function ledgerView(model: Model): HTMLElement {
  const {lines, rss} = readLedger(model.data.report.ledger);
  const columns: string[] = [];
  const collect = (line: Line) => {
    for (const name of line.amounts.keys()) if (!columns.includes(name)) columns.push(name);
    line.children.forEach(collect);
  };
  lines.forEach(collect);
  const main = columns.includes('resident') ? 'resident' : columns[0];
  const body = html('tbody', {});
  const add = (line: Line, depth: number) => {
    const share = rss > 0 ? (line.amounts.get(main) ?? 0) / rss : 0;
    const bar = html('i', {});
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    const name = html('th', {scope: 'row'}, shortened(line.name), line.note && html('small', {}, ` ${shortened(line.note)}`));
    name.style.paddingLeft = `${0.5 + depth * 1.2}em`;
    body.append(html('tr', {class: depth > 0 ? 'part' : ''}, name,
      ...columns.map((column) => {
        const amount = line.amounts.get(column);
        return html('td', {class: 'figure'}, amount === undefined ? '' : bytes(amount));
      }),
      html('td', {class: 'share'}, html('div', {class: 'meter', 'aria-hidden': 'true'}, bar)),
      html('td', {class: 'figure faint'}, rss > 0 && line.amounts.has(main) && share >= 0 ? percent(share, 1) : '')));
    for (const child of line.children) add(child, depth + 1);
  };
  lines.forEach((line) => add(line, 0));
  return section('ledger', 'Resident memory, explained',
    html('p', {class: 'range-words'}, `${bytes(rss)} resident at the end of the clock. What is negative is mapped and was `,
      'never touched.'),
    html('table', {class: 'plain ledger'},
      html('thead', {}, html('tr', {}, html('th', {scope: 'col'}, 'what'),
        ...columns.map((column) => html('th', {scope: 'col', class: 'figure'}, column)),
        html('th', {scope: 'col', colspan: 2}, 'of RSS'))), body));
}

// --- the other plain tables ----------------------------------------------------------------------

type Cell = string | Node;

function plainTable(name: string, columns: [string, boolean][], rows: Cell[][]): HTMLElement {
  return html('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': name},
    html('table', {class: 'plain', 'aria-label': name},
      html('thead', {}, html('tr', {}, ...columns.map(([heading, figure]) =>
        html('th', {scope: 'col', class: figure ? 'figure' : ''}, heading)))),
      html('tbody', {}, ...rows.map((row) => html('tr', {}, ...row.map((cell, i) =>
        html('td', {class: columns[i][1] ? 'figure' : ''}, cell)))))));
}

export function processesView(model: Model): HTMLElement | null {
  const {processes, processes_total: total} = model.data.report;
  if (!processes || processes.length === 0) return null;
  const depth = new Map<number, number>();
  const rows = processes.map((each): Cell[] => {
    depth.set(each.pid, (depth.get(each.parent_pid ?? -1) ?? -1) + 1);
    const state = each.left_running ? `${each.verdict}, ${each.complete ? 'ended later' : 'still running'}`
      : each.complete ? each.verdict : `${each.verdict}, no orderly end`;
    return [String(each.pid), each.parent_pid === null ? '' : String(each.parent_pid), bytes(each.peak_live_bytes),
      bytes(each.live_bytes_exit), count(each.allocations), each.trend,
      html('span', {class: `state ${each.verdict}`, title: each.reasons.join('\n')}, state),
      html('code', {title: shortened(each.command, 600)}, shortened(each.command, 120))];
  });
  const view = section('processes', `Processes (${count(total?.processes ?? rows.length)})`,
    plainTable('Processes', [['pid', true], ['parent', true], ['peak live', true], ['live at exit', true],
      ['allocations', true], ['growth', false], ['verdict', false], ['command', false]], rows));
  if (total) {
    view.append(html('p', {class: 'range-words'}, `${count(total.allocations)} allocations; live at their exits ` +
      `${bytes(total.live_bytes_exit)}; the sum of their peaks ${bytes(total.sum_of_peak_live_bytes)}` +
      (total.left_out > 0 ? `; ${count(total.left_out)} more are not listed` : '')));
  }
  return view;
}

export function threadsView(model: Model): HTMLElement | null {
  const {threads} = model.data.report;
  const split = threads.some((thread) => thread.allocations !== undefined);
  if (!split && threads.length < 2) return null;
  const amount = (value: number | undefined, show: (value: number) => string) => (value === undefined ? '' : show(value));
  const rows = threads.map((each): Cell[] => [
    each.number === null ? 'other threads' : each.number === 0 ? 'main' : `${each.number} ${each.name}`,
    ...(split ? [amount(each.allocations, count), amount(each.peak_live_bytes, bytes), amount(each.live_bytes_end, bytes),
      amount(each.growth_bytes_per_iteration, (value) => (value === 0 ? '0' : `${plain(value)} B`))] : []),
    amount(each.stack_touched_bytes, (value) => (value === 0 ? '' : bytes(value))),
    each.begin_seconds === undefined ? '' : `${each.begin_seconds.toFixed(2)} s`,
    each.end_seconds === undefined ? '' : each.end_seconds === null ? 'the end' : `${each.end_seconds.toFixed(2)} s`,
    html('code', {title: shortened(each.start_routine ?? '', 600)}, shortened(each.start_routine ?? '', 100)),
  ]);
  const figures: [string, boolean][] = [['allocations', true], ['peak live', true], ['live at end', true],
    [`growth/${model.step}`, true]];
  return section('threads', `Threads (${count(threads.length)})`,
    html('p', {class: 'range-words'}, model.data.threads_in_words),
    plainTable('Threads', [['thread', false], ...(split ? figures : []), ['stack touched', true], ['from', true],
      ['to', true], ['runs', false]], rows));
}
