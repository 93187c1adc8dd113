// diff: the page of a difference from top to bottom.
import {DiffCurve} from './diff_curve';
import {DiffData, Figure, Side} from './diff_data';
import {DiffFlame} from './diff_flame';
import {DiffTable, tagsView} from './diff_tables';
import {html, shortened} from './dom';
import {Section} from './page';
import {Stacks} from './stacks';
import {themeButton} from './theme';
import {bytes, count, slope} from './units';

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1) + (/[.!?]$/.test(sentence) ? '' : '.');
}

function header(data: DiffData): HTMLElement {
  const [heap] = data.totals;
  const live = heap.is[Figure.liveBytes] - heap.was[Figure.liveBytes];
  const figures = html('dl', {class: 'figures'});
  const add = (name: string, was: number, is: number, text: (value: number) => string, sign: (value: number) => string) =>
    figures.append(html('div', {}, html('dt', {}, name),
      html('dd', {}, `${text(was)} → ${text(is)} `, html('small', {}, was === is ? 'the same' : sign(is - was)))));
  const signed = (value: number) => (value > 0 ? '+' : '') + count(value);
  const both = (figure: Figure): [number, number] => [heap.was[figure], heap.is[figure]];
  add('live heap', ...both(Figure.liveBytes), bytes, slope);
  add('live blocks', ...both(Figure.liveBlocks), count, signed);
  add('live at the peak', ...both(Figure.peakBytes), bytes, slope);
  add('allocations', ...both(Figure.allocations), count, signed);
  if (data.growth_unit) add(`growth per ${data.growth_unit}`, ...both(Figure.growth), slope, slope);
  if (!data.one_run && data.before.peak_rss_bytes > 0 && data.after.peak_rss_bytes > 0)
    add('peak RSS', data.before.peak_rss_bytes, data.after.peak_rss_bytes, bytes, slope);
  const side = (name: string, {words, verdict}: Side) =>
    [html('dt', {}, name), html('dd', {}, shortened(words, 300), html('small', {}, ` · ${verdict}`))];
  const notes = html('ul', {class: 'checks'}, ...data.notes.map((note) =>
    html('li', {}, html('span', {class: 'mark', 'aria-hidden': 'true'}, '·'), note)));
  const word = live > 0 ? '▲ MORE' : live < 0 ? '▼ LESS' : '= SAME';
  return html('section', {id: 'summary', class: `verdict ${live > 0 ? 'more' : live < 0 ? 'less' : 'same'}`, 'aria-label': 'Verdict'},
    html('div', {class: 'line'}, html('span', {class: 'badge', id: 'verdict'}, word),
      html('h1', {}, `Difference: ${slope(live) === '0' ? 'none in live heap' : `${slope(live)} of live heap`}`),
      themeButton()),
    html('p', {class: 'reason', id: 'reason'}, capital(data.conclusion)),
    data.cause && html('p', {class: 'reason', id: 'cause'}, capital(data.cause)),
    html('dl', {class: 'sides'}, ...side('before', data.before), ...side('after', data.after)),
    data.notes.length > 0 && notes,
    figures);
}

export function diffPage(data: DiffData): {title: string; header: HTMLElement; sections: Section[]} {
  const stacks = new Stacks(data, data.sites);
  const table = new DiffTable(data, stacks);
  const flame = new DiffFlame(data, stacks, (rows, words) => table.showOnly(rows, words));
  return {title: 'difference', header: header(data), sections: [
    {name: 'Curves', element: new DiffCurve(data).element},
    {name: 'Call sites', element: table.element},
    {name: 'Flame graph', element: flame.element},
    {name: 'Tags', element: tagsView(data)},
  ]};
}
