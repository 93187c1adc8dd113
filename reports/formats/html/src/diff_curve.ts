// diff_curve: the heaps of both runs over one another; of two moments of one run the heap, with both marked.
import uPlot from 'uplot';
import {clockAndBytes, kChartHeight, legendRow, themeColour} from './chart';
import {fromSteps, indexAt} from './data';
import {DiffData, Side} from './diff_data';
import {html, onceAFrame, section} from './dom';
import {onTheme} from './theme';
import {bytes, count, slope} from './units';

interface Line {
  name: string;
  colour: string; // a variable of the style sheet
  dashed: boolean;
  shown: boolean;
  numbers: Float64Array;
  values: Float64Array;
  value: HTMLElement;
}

export class DiffCurve {
  readonly element: HTMLElement;
  private readonly plotted = html('div', {class: 'plot', role: 'img'});
  private readonly at = html('p', {class: 'range-words', 'aria-live': 'off'});
  private readonly lines: Line[] = [];
  private readonly numbers: Float64Array; // of all lines
  private plot: uPlot | null = null;

  constructor(private readonly data: DiffData) {
    const {before, after, one_run, step} = data;
    if (one_run) {
      this.add('heap', after, 'heap', '--after', false, true);
      this.add('RSS', after, 'rss', '--rss', false, false);
    } else {
      this.add('heap before', before, 'heap', '--before', true, true);
      this.add('heap after', after, 'heap', '--after', false, true);
      this.add('RSS before', before, 'rss', '--faint', true, false);
      this.add('RSS after', after, 'rss', '--rss', false, false);
    }
    this.numbers = Float64Array.from(new Set(this.lines.flatMap((line) => [...line.numbers]))).sort();
    const heaps = this.lines.filter((line) => line.shown);
    const drawable = this.numbers.length > 1;
    this.element = section('curve', `Heap per ${step}`, drawable
      ? html('div', {class: 'curve'}, html('div', {}, this.plotted, this.at), this.legend())
      : html('p', {class: 'quiet-text'}, `Neither recording holds more than one ${step}, and so there is no curve.`));
    if (!drawable) return;
    this.plotted.setAttribute('aria-label', heaps.map((line) => this.inWords(line)).join('; '));
    onTheme(() => this.draw());
    new ResizeObserver(onceAFrame(() => this.resize())).observe(this.plotted);
  }

  private add(name: string, side: Side, what: 'heap' | 'rss', colour: string, dashed: boolean, shown: boolean) {
    const {curve} = side;
    this.lines.push({name, colour, dashed, shown, numbers: fromSteps(curve.numbers), values: fromSteps(curve[what]),
      value: html('td', {class: 'figure'})});
  }

  private inWords({name, numbers, values}: Line): string {
    if (numbers.length === 0) return `${name}: nothing recorded`;
    const last = numbers.length - 1;
    return `${name} from ${bytes(values[0])} at ${this.data.step} ${count(numbers[0])} to ${bytes(values[last])} at ` +
      `${count(numbers[last])}`;
  }

  // Of a point that the line has none at the one before; beyond its ends nothing.
  private valueAt({numbers, values}: Line, wanted: number): number | null {
    if (numbers.length === 0 || wanted < numbers[0] || wanted > numbers[numbers.length - 1]) return null;
    return values[indexAt(numbers, wanted)];
  }

  private draw() {
    this.plot?.destroy();
    const columns = this.lines.map((line) => Array.from(this.numbers, (number) => this.valueAt(line, number)));
    this.plot = new uPlot({
      width: Math.max(240, this.plotted.clientWidth),
      height: kChartHeight,
      legend: {show: false},
      series: [{}, ...this.lines.map((line): uPlot.Series => ({stroke: themeColour(line.colour), width: 2,
        dash: line.dashed ? [7, 4] : [], points: {show: false}, show: line.shown}))],
      scales: {x: {time: false}, y: {range: (_, __, high) => [0, Math.max(high, 1) * 1.06]}},
      axes: clockAndBytes(),
      cursor: {drag: {x: false, y: false}, points: {show: false}},
      hooks: {draw: [(plot) => this.drawMoments(plot)], setCursor: [(plot) => this.follow(plot)]},
    }, [this.numbers, ...columns], this.plotted);
    this.follow(this.plot);
  }

  // Upright lines where the two moments are, unless they are the ends.
  private drawMoments(plot: uPlot) {
    const {before, after, one_run} = this.data;
    const {ctx, bbox} = plot;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * pixel}px system-ui, sans-serif`;
    ctx.lineWidth = 1.5 * pixel;
    const mark = (side: Side, words: string, colour: string, atLeft: boolean) => {
      const {numbers} = this;
      if (side.number === null) return;
      const isEnd = side.number >= numbers[numbers.length - 1];
      if (!one_run && isEnd) return;
      const x = plot.valToPos(Math.max(numbers[0], Math.min(side.number, numbers[numbers.length - 1])), 'x', true);
      ctx.strokeStyle = ctx.fillStyle = themeColour(colour);
      ctx.setLineDash([2 * pixel, 3 * pixel]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const right = isEnd || (!atLeft && x - bbox.left > bbox.width * 0.8);
      ctx.textAlign = right ? 'right' : 'left';
      ctx.fillText(words, x + (right ? -5 : 5) * pixel, bbox.top + bbox.height - 6 * pixel);
    };
    mark(before, 'before', '--before', true);
    mark(after, 'after', '--after', false);
    ctx.restore();
  }

  private follow(plot: uPlot) {
    const {data, numbers} = this;
    const i = plot.cursor.idx;
    for (const line of this.lines) {
      const value = this.valueAt(line, i === null || i === undefined ? line.numbers[line.numbers.length - 1] : numbers[i]);
      line.value.textContent = value === null ? '–' : bytes(value);
    }
    if (i === null || i === undefined) {
      this.at.textContent = data.one_run ? 'The heap, and the two moments that are compared.'
        : 'The heap of both runs on one clock; dashed is before. The figures are those of the ends.';
      return;
    }
    const [first, second] = this.lines.map((line) => this.valueAt(line, numbers[i]));
    const between = data.one_run || first === null || second === null ? ''
      : `: heap ${second === first ? 'the same' : `${slope(second - first)} after`}`;
    this.at.textContent = `At ${data.step} ${count(numbers[i])}${between}.`;
  }

  private resize() {
    const width = this.plotted.clientWidth;
    if (width <= 0) return;
    if (!this.plot) this.draw();
    else if (this.plot.width !== width) this.plot.setSize({width, height: kChartHeight});
  }

  private legend(): HTMLElement {
    const rows = html('tbody', {});
    for (const line of this.lines) {
      rows.append(legendRow({name: line.name, colour: `var(${line.colour})`, look: line.dashed ? 'dashed' : 'line',
        checked: line.shown, value: line.value, change: (on) => {
          line.shown = on;
          this.draw();
        }}));
    }
    return html('table', {class: 'legend', 'aria-label': 'Curves'}, rows);
  }
}
