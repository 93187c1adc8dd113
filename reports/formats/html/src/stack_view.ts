// stack_view: a call site on its own: its stack and how it grew.
import {Colours} from './colours';
import {html, shortened, svg} from './dom';
import {Model} from './model';
import {Stacks} from './stacks';
import {bytes, count} from './units';

const kFramesShown = 14;
const kWidth = 300;
const kHeight = 84;

// The allocator's frames are folded away; the one that answers is marked.
export function stackList(stacks: Stacks, row: number): HTMLElement {
  const frames = stacks.stack(row);
  const list = html('ol', {class: 'stack', 'aria-label': 'Stack, innermost frame first'});
  const plumbing = frames.filter((frame) => frame.plumbing).length;
  const line = (i: number) => html('li', {class: frames[i].plumbing ? 'plumbing' : i === plumbing ? 'answers' : ''},
    html('span', {class: 'name tail', title: shortened(frames[i].name, 600)},
      html('bdi', {dir: 'ltr'}, shortened(frames[i].name), frames[i].inlined && html('small', {}, ' inlined'))),
    html('span', {class: 'source tail', title: shortened(frames[i].source, 600)},
      html('bdi', {dir: 'ltr'}, shortened(frames[i].source, 90))));
  const fold = (from: number, to: number, words: string) => {
    if (from >= to) return;
    const button = html('button', {type: 'button', class: 'fold'}, words);
    const item = html('li', {class: 'folded'}, button);
    button.addEventListener('click', () => item.replaceWith(...range(from, to).map(line)));
    list.append(item);
  };
  const end = Math.min(frames.length, plumbing + kFramesShown);
  fold(0, plumbing, `${count(plumbing)} of the allocator's own`);
  list.append(...range(plumbing, end).map(line));
  fold(end, frames.length, `${count(frames.length - end)} more frames`);
  if (frames.length === 0) list.append(html('li', {}, stacks.answering(row).name));
  if (stacks.isCut(row)) list.append(html('li', {class: 'plumbing'}, 'the stack goes on beyond what was recorded'));
  return list;
}

function range(from: number, to: number): number[] {
  return Array.from({length: Math.max(0, to - from)}, (_, i) => from + i);
}

// Live bytes of the rows together, over the whole recording.
export function growthCurve(model: Model, colours: Colours, rows: number[], tag: number): HTMLElement {
  const {histories} = model;
  const points = histories.numbers.length;
  if (points < 2) return html('div', {});
  const columns = Math.min(points, kWidth);
  const values: number[] = [];
  for (let column = 0; column < columns; ++column) {
    const point = Math.round((column * (points - 1)) / (columns - 1));
    values.push(rows.reduce((sum, row) => sum + histories.liveBytes(row, point), 0));
  }
  const high = Math.max(1, ...values);
  const first = histories.numbers[0];
  const last = histories.numbers[points - 1];
  const x = (i: number) => ((i * kWidth) / (columns - 1)).toFixed(1);
  const y = (value: number) => (kHeight - 2 - (Math.max(0, value) / high) * (kHeight - 6)).toFixed(1);
  const line = values.map((value, i) => `${i === 0 ? 'M' : 'L'}${x(i)} ${y(value)}`).join('');
  const base = model.data.clock.base;
  const warm = base === null || last === first ? 0 : ((base - first) / (last - first)) * kWidth;
  const label = `Live bytes of it: ${bytes(values[0])} at ${model.step} ${first}, ` +
    `${bytes(values[values.length - 1])} at ${last}`;
  return html('figure', {class: 'growth'},
    svg('svg', {viewBox: `0 0 ${kWidth} ${kHeight}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label},
      svg('rect', {class: 'warm', x: 0, y: 0, width: warm.toFixed(1), height: kHeight}),
      svg('path', {d: `${line}L${kWidth} ${kHeight}L0 ${kHeight}Z`, style: `fill: ${colours.areaName(tag)}`}),
      svg('path', {d: line, style: `fill: none; stroke: ${colours.lineName(tag)}`, 'stroke-width': 1.5,
        'vector-effect': 'non-scaling-stroke'})),
    html('figcaption', {}, html('span', {}, `${count(first)}`), html('span', {}, `live, at most ${bytes(high)}`),
      html('span', {}, count(last))));
}
