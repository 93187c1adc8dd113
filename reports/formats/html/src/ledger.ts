// ledger: what resident memory consists of, and the other plain tables.
import {html, section, shortened} from './dom';
import {Model} from './model';
import {Cell, plainTable} from './plain_table';
import {bytes, count, percent, plain} from './units';

// As in report.json. A recording that measured no pages has amounts instead of lines, and each becomes one.
interface Line {
  title?: string;
  name?: string;
  count?: number;
  reserved_bytes?: number;
  resident_bytes: number;
  items?: Line[];
  call_sites?: Line[];
}
interface Ledger {
  [amount: string]: unknown;
  measured?: boolean;
  obstacle?: string | null;
  iteration?: number;
  rss_bytes: number;
  lines?: Line[];
  at_peak?: Ledger;
}

function linesOf(ledger: Ledger): Line[] {
  if (ledger.lines && ledger.lines.length > 0) return ledger.lines;
  return Object.entries(ledger)
    .filter(([key, value]) => key.endsWith('_bytes') && !key.includes('rss') && typeof value === 'number')
    .map(([key, value]) => ({title: key.replace(/_bytes$/, '').replaceAll('_', ' '), resident_bytes: value as number}));
}

class LedgerTable {
  readonly element = html('div', {});

  constructor(private readonly ledger: Ledger, private readonly model: Model) {
    this.draw();
  }

  private draw() {
    const {ledger} = this;
    const lines = linesOf(ledger);
    const reserved = lines.some((line) => line.reserved_bytes !== undefined);
    const counted = lines.some((line) => (line.count ?? 0) > 0);
    const body = html('tbody', {});
    for (const line of lines) {
      const row = this.row(line, false, reserved, counted);
      const parts = [...(line.items ?? []), ...(line.call_sites ?? [])];
      body.append(row);
      if (parts.length > 0) this.addParts(row, line, reserved, counted);
    }
    const negative = lines.some((line) => line.resident_bytes < 0);
    const words = `${bytes(ledger.rss_bytes)} resident` +
      (ledger.iteration === undefined ? ' at the end of the clock' : ` after ${count(ledger.iteration)} ${this.model.step}s`) +
      (negative ? '. What is negative is mapped and was never touched' : '') +
      (ledger.obstacle ? `. Pages were not looked at: ${ledger.obstacle}` : '') + '.';
    const figure = (heading: string) => html('th', {scope: 'col', class: 'figure'}, heading);
    this.element.replaceChildren(
      html('p', {class: 'range-words'}, words),
      html('div', {class: 'scroll whole', tabindex: 0, role: 'region', 'aria-label': 'Ledger'},
        html('table', {class: 'plain ledger'},
          html('thead', {}, html('tr', {}, html('th', {scope: 'col'}, 'what'), counted && figure('count'),
            reserved && figure('reserved'), figure(reserved ? 'resident' : 'bytes'),
            html('th', {scope: 'col', colspan: 2}, 'of RSS'))), body)));
  }

  private row(line: Line, part: boolean, reserved: boolean, counted: boolean): HTMLElement {
    const share = this.ledger.rss_bytes > 0 ? line.resident_bytes / this.ledger.rss_bytes : 0;
    const bar = html('i', {});
    bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    return html('tr', {class: part ? 'part' : ''},
      html('th', {scope: 'row', title: shortened(line.name ?? line.title ?? '', 600)},
        shortened(line.title ?? line.name ?? '', 110)),
      counted && html('td', {class: 'figure'}, line.count ? count(line.count) : ''),
      reserved && html('td', {class: 'figure'}, line.reserved_bytes === undefined ? '' : bytes(line.reserved_bytes)),
      html('td', {class: 'figure'}, bytes(line.resident_bytes)),
      html('td', {class: 'share'}, html('div', {class: 'meter', 'aria-hidden': 'true'}, bar)),
      html('td', {class: 'figure faint'}, share >= 0 ? percent(share, 1) : ''));
  }

  // Unfolded by a button in the line: first by name, then by call site.
  private addParts(row: HTMLElement, line: Line, reserved: boolean, counted: boolean) {
    const heading = row.querySelector('th')!;
    const button = html('button', {type: 'button', class: 'fold', 'aria-expanded': 'false'}, line.title ?? '');
    heading.replaceChildren(button);
    let shown: HTMLElement[] = [];
    button.addEventListener('click', () => {
      const open = shown.length > 0;
      shown.forEach((each) => each.remove());
      shown = open ? [] : [...(line.items ?? []), ...(line.call_sites ?? [])].map((each) =>
        this.row(each, true, reserved, counted));
      row.after(...shown);
      button.setAttribute('aria-expanded', String(!open));
    });
  }
}

export function ledgerView(model: Model): HTMLElement {
  const ledger = model.data.report.ledger as unknown as Ledger;
  const view = section('ledger', 'Ledger: resident memory, explained');
  const peak = ledger.at_peak;
  if (!peak?.lines?.length || peak.iteration === ledger.iteration) {
    view.append(new LedgerTable(ledger, model).element);
    return view;
  }
  const holder = html('div', {});
  const buttons = [['at the end', ledger], ['where most was resident', peak]].map(([name, which]) => {
    const button = html('button', {type: 'button'}, name as string);
    button.addEventListener('click', () => {
      buttons.forEach((each) => each.setAttribute('aria-pressed', String(each === button)));
      holder.replaceChildren(new LedgerTable(which as Ledger, model).element);
    });
    return button;
  });
  view.append(html('div', {class: 'controls'}, html('div', {class: 'buttons', role: 'group', 'aria-label': 'Moment'},
    ...buttons)), holder);
  buttons[0].click();
  return view;
}

// --- the other plain tables ----------------------------------------------------------------------

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
