// heap_graph: all blocks of the last heap graph, whether they grow or not: held and lost, who lost them, and what
// would go with each root.
import {html, section, shortened} from './dom';
import {Model} from './model';
import {Cell, plainTable} from './plain_table';
import {bytes, count, plural} from './units';

// As in report.json.
interface Held {
  reachability: string;
  blocks: number;
  bytes: number;
}
interface Place {
  tag: string;
  function: string;
  file: string;
  line: number;
  call_sites: number[];
  held: Held[];
}
interface HeapGraph {
  iteration: number;
  at_end: boolean;
  whole: boolean;
  held: Held[];
  lost: Place[];
  lost_left_out: number;
  roots: {words: string; bytes: number; blocks: number}[];
  roots_left_out: number;
}

const kLost = ['definitely lost', 'indirectly lost', 'possibly lost'];
const kHeld = [...kLost, 'still reachable'];

const of = (held: Held[], words: string) => held.find((each) => each.reachability === words) ?? {blocks: 0, bytes: 0};

// A word beside what it counts, with a bar that shows its part of all.
function meterTable(name: string, headings: [string, string, string], rows: [string, string, number][], all: number) {
  const body = html('tbody', {}, ...rows.map(([words, figure, amount]) => {
    const bar = html('i', {});
    bar.style.width = `${all > 0 ? Math.min(1, amount / all) * 100 : 0}%`;
    return html('tr', {}, html('th', {scope: 'row', title: shortened(words, 600)}, shortened(words, 90)),
      html('td', {class: 'figure'}, figure), html('td', {class: 'figure'}, bytes(amount)),
      html('td', {class: 'share'}, html('div', {class: 'meter', 'aria-hidden': 'true'}, bar)));
  }));
  const [what, figures, amounts] = headings;
  return html('div', {class: 'scroll meters', tabindex: 0, role: 'region', 'aria-label': name},
    html('table', {class: 'plain ledger', 'aria-label': name},
      html('thead', {}, html('tr', {}, html('th', {scope: 'col'}, what), html('th', {scope: 'col', class: 'figure'}, figures),
        html('th', {scope: 'col', class: 'figure'}, amounts), html('th', {scope: 'col'}, 'of all'))), body));
}

function heldTable(graph: HeapGraph, all: number) {
  const rows = kHeld.map((words): [string, string, number] =>
    [words, count(of(graph.held, words).blocks), of(graph.held, words).bytes]);
  return meterTable('Held and lost', ['how they are held', 'blocks', 'bytes'], rows.filter(([, blocks]) => blocks !== '0'),
    all);
}

function nameOf(model: Model, place: Place): Cell {
  const row = place.call_sites.length > 0 ? model.rowOfSite.get(place.call_sites[0]) : undefined;
  const name = row === undefined ? place.function : model.stacks.answering(row).name;
  return html('code', {title: shortened(name, 600)}, shortened(name, 90));
}

function lostTable(model: Model, graph: HeapGraph) {
  const rows = graph.lost.map((place): Cell[] => [
    ...kLost.map((words) => (of(place.held, words).blocks === 0 ? '' : bytes(of(place.held, words).bytes))),
    count(kLost.reduce((sum, words) => sum + of(place.held, words).blocks, 0)),
    place.tag, nameOf(model, place),
    html('span', {class: 'faint', title: shortened(place.file, 600)},
      place.file ? `${shortened(place.file.split('/').pop()!, 60)}:${place.line}` : '')]);
  return plainTable('Places that lost blocks', [['definitely', true], ['indirectly', true], ['possibly lost', true],
    ['blocks', true], ['tag', false], ['function', false], ['source', false]], rows);
}

function leftOut(number: number, noun: string): string {
  return number === 0 ? '' : ` ${plural(number, noun)} more ${number === 1 ? 'is' : 'are'} not listed.`;
}

export function heapGraphView(model: Model): HTMLElement | null {
  const graph = model.data.report.heap_graph as HeapGraph | null | undefined;
  if (!graph) return null;
  const lost = kLost.reduce((sum, words) => sum + of(graph.held, words).blocks, 0);
  const all = kHeld.reduce((sum, words) => sum + of(graph.held, words).bytes, 0);
  const when = graph.at_end ? "at the program's end" : `after ${plural(graph.iteration, model.step)}`;
  const note = (text: string) => html('p', {class: 'range-words'}, text);
  const view = section('graph', `Heap graph ${when}`,
    note(`All blocks, whether they grow or not${graph.whole ? '' : '; of the largest groups only a sample was followed'}.`),
    heldTable(graph, all));
  if (lost > 0) {
    view.append(note(`Nothing in the program leads to these ${plural(lost, 'block')} any more, or only a pointer into ` +
      `their middle: where they come from.${leftOut(graph.lost_left_out, 'place')}`), lostTable(model, graph));
  }
  if (graph.roots.length > 0) {
    const rows = graph.roots.map((root): [string, string, number] => [root.words, count(root.blocks), root.bytes]);
    view.append(note(`What would go with each variable, stack or thread: the blocks that nothing else holds.` +
      leftOut(graph.roots_left_out, 'root')),
    meterTable('Held by each root', ['root', 'points to', 'holds alone'], rows, all));
  }
  return view;
}
