// curve: memory over the clock, stacked by tag, with RSS, the budget and the slope. What is brushed on it is what the
// flame graph and the tables show.
import uPlot from 'uplot';
import {clockAndBytes, kChartHeight, legendRow, themeColour} from './chart';
import {Colours} from './colours';
import {fromSteps, indexAt} from './data';
import {html, onceAFrame, section} from './dom';
import {Model} from './model';
import {onTheme} from './theme';
import {bytes, count, duration, slope} from './units';

const kMostLayers = 11; // more tags are one
const kBlock = 0;

interface Layer {
  name: string;
  tag: number;
  live: Float64Array;
  shown: boolean;
  value?: HTMLElement;
}

export class Curve {
  readonly element: HTMLElement;
  private readonly numbers: Float64Array;
  private readonly milliseconds: Float64Array;
  private readonly rss: Float64Array;
  private readonly layers: Layer[];
  private readonly plotted = html('div', {class: 'plot', role: 'img'});
  private readonly at = html('span', {class: 'at'});
  private readonly words = html('p', {class: 'range-words', id: 'range', 'aria-live': 'polite'});
  private readonly from = html('input', {type: 'number', id: 'range-from', class: 'number'});
  private readonly to = html('input', {type: 'number', id: 'range-to', class: 'number'});
  private rssShown = true;
  private rssValue = html('td', {class: 'figure'});
  private budgetInScale: boolean;
  private plot: uPlot | null = null;
  private selecting = false; // by us, not by the reader

  constructor(private readonly model: Model, private readonly colours: Colours) {
    const {chart} = model.data;
    this.numbers = fromSteps(chart.numbers);
    this.milliseconds = fromSteps(chart.milliseconds);
    this.rss = fromSteps(chart.rss);
    this.layers = this.makeLayers();
    const budget = model.data.report.budget.peak_rss_bytes;
    this.budgetInScale = budget !== null && budget <= 2 * this.highest();
    this.element = section('curve', `Memory per ${model.step}`,
      this.numbers.length < 2
        ? html('p', {class: 'quiet-text'}, this.tooFew())
        : html('div', {class: 'curve'}, html('div', {}, this.plotted, this.controls()), this.legend()));
    if (this.numbers.length < 2) return;
    this.plotted.setAttribute('aria-label', this.inWords());
    onTheme(() => this.draw());
    new ResizeObserver(onceAFrame(() => this.resize())).observe(this.plotted);
    model.onRange(() => this.showRange());
  }

  // --- data -------------------------------------------------------------------------------------

  private makeLayers(): Layer[] {
    const {chart, report} = this.model.data;
    const peakRss = report.peak_rss_bytes;
    const layers: Layer[] = [];
    for (const {tag, kind, live, peak} of chart.tags) {
      const name = report.tags[tag].name + (kind === kBlock || tag === 1 ? '' : ' (mapped)');
      // Address space that could never have been resident would only hide the rest.
      layers.push({name, tag, live: fromSteps(live), shown: kind === kBlock || peak <= peakRss});
    }
    const rank = (layer: Layer) => layer.live.reduce((a, b) => Math.max(a, b), 0);
    layers.sort((a, b) => Number(b.shown) - Number(a.shown) || rank(b) - rank(a));
    if (layers.length <= kMostLayers) return layers;
    const rest = layers.splice(kMostLayers - 1).filter((layer) => layer.shown);
    const sum = new Float64Array(this.numbers.length);
    for (const layer of rest) layer.live.forEach((value, i) => (sum[i] += value));
    layers.push({name: `${rest.length} more tags`, tag: -1, live: sum, shown: true});
    return layers;
  }

  private highest(): number {
    let highest = 0;
    for (const value of this.rss) highest = Math.max(highest, value);
    for (let i = 0; i < this.numbers.length; ++i) {
      let sum = 0;
      for (const layer of this.layers) if (layer.shown) sum += layer.live[i];
      highest = Math.max(highest, sum);
    }
    return highest;
  }

  // Each layer on top of those below it. The largest lies at the bottom.
  private stacked(): Float64Array[] {
    const result: Float64Array[] = [];
    let below: Float64Array | null = null;
    for (const layer of this.layers) {
      if (!layer.shown) continue;
      const sum = Float64Array.from(layer.live);
      if (below) for (let i = 0; i < sum.length; ++i) sum[i] += below[i];
      result.push(sum);
      below = sum;
    }
    return result;
  }

  private liveAt(i: number): number {
    return this.layers.reduce((sum, layer) => sum + (layer.shown ? layer.live[i] : 0), 0);
  }

  private tooFew(): string {
    if (this.numbers.length === 0) return `The recording holds no ${this.model.step}, and so no curve.`;
    return `The recording holds one ${this.model.step}, and so no curve: ${bytes(this.liveAt(0))} live, ` +
      `RSS ${bytes(this.rss[0])}.`;
  }

  private inWords(): string {
    const last = this.numbers.length - 1;
    const {process_growth: growth} = this.model.data;
    return `Live memory from ${bytes(this.liveAt(0))} at ${this.model.step} ${this.numbers[0]} to ` +
      `${bytes(this.liveAt(last))} at ${this.numbers[last]}, RSS ${bytes(this.rss[last])}; trend ${growth.trend}`;
  }

  // --- drawing ----------------------------------------------------------------------------------

  private draw() {
    this.plot?.destroy();
    const colour = themeColour;
    const shown = this.layers.filter((layer) => layer.shown);
    const series: uPlot.Series[] = [{}];
    for (const layer of shown) {
      series.push({stroke: this.colours.line(layer.tag), width: 1, fill: this.colours.area(layer.tag),
        points: {show: false}});
    }
    series.push({stroke: colour('--rss'), width: 1.5, points: {show: false}, show: this.rssShown});
    const budget = this.model.data.report.budget.peak_rss_bytes;
    this.plot = new uPlot({
      width: Math.max(240, this.plotted.clientWidth),
      height: kChartHeight,
      legend: {show: false},
      series,
      bands: shown.slice(1).map((_, i) => ({series: [i + 2, i + 1] as [number, number]})),
      scales: {
        x: {time: false},
        y: {range: (_, __, high) => [0, Math.max(high, this.budgetInScale && budget ? budget : 0, 1) * 1.06]},
      },
      axes: clockAndBytes(),
      cursor: {drag: {x: true, y: false, setScale: false}, points: {show: false}},
      hooks: {
        drawClear: [(plot) => this.shadeWarmUp(plot, colour('--shade'))],
        draw: [(plot) => this.drawLines(plot, colour)],
        setCursor: [(plot) => this.follow(plot)],
        setSelect: [() => this.takeSelection()],
      },
    }, [this.numbers, ...this.stacked(), this.rss], this.plotted);
    this.plot.over.setAttribute('data-brush', '');
    this.showRange();
  }

  private shadeWarmUp(plot: uPlot, colour: string) {
    const base = this.model.data.clock.base;
    if (base === null || base <= this.numbers[0]) return;
    const left = plot.valToPos(this.numbers[0], 'x', true);
    plot.ctx.fillStyle = colour;
    plot.ctx.fillRect(left, plot.bbox.top, plot.valToPos(base, 'x', true) - left, plot.bbox.height);
  }

  private drawLines(plot: uPlot, colour: (name: string) => string) {
    const {ctx, bbox} = plot;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${11 * pixel}px system-ui, sans-serif`;
    ctx.lineWidth = 1.5 * pixel;
    this.drawBudget(plot, colour('--bad'), colour('--panel'), pixel);
    this.drawSlope(plot, colour('--ink'), pixel);
    ctx.restore();
  }

  private drawBudget(plot: uPlot, colour: string, ground: string, pixel: number) {
    const budget = this.model.data.report.budget.peak_rss_bytes;
    if (budget === null) return;
    const {ctx, bbox} = plot;
    const inside = this.budgetInScale;
    const y = inside ? plot.valToPos(budget, 'y', true) : bbox.top + pixel;
    ctx.strokeStyle = colour;
    ctx.textAlign = 'left';
    ctx.setLineDash(inside ? [] : [2 * pixel, 5 * pixel]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const words = inside ? `budget ${bytes(budget)}` : `budget ${bytes(budget)} is far above ↑`;
    ctx.fillStyle = ground;
    ctx.fillRect(bbox.left + 3 * pixel, y + 3 * pixel, ctx.measureText(words).width + 6 * pixel, 15 * pixel);
    ctx.fillStyle = colour;
    ctx.fillText(words, bbox.left + 6 * pixel, y + 14 * pixel);
  }

  // From where the growth is seen to begin, at the rate that was measured.
  private drawSlope(plot: uPlot, colour: string, pixel: number) {
    const growth = this.model.data.process_growth;
    if (!growth.grows) return;
    const {ctx} = plot;
    const last = this.numbers.length - 1;
    const first = indexAt(this.numbers, growth.since);
    const end = this.liveAt(last);
    const begin = end - growth.bytes * (this.numbers[last] - this.numbers[first]);
    const from = [plot.valToPos(this.numbers[first], 'x', true), plot.valToPos(begin, 'y', true)];
    const to = [plot.valToPos(this.numbers[last], 'x', true), plot.valToPos(end, 'y', true)];
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.setLineDash([6 * pixel, 4 * pixel]);
    ctx.beginPath();
    ctx.moveTo(from[0], from[1]);
    ctx.lineTo(to[0], to[1]);
    ctx.stroke();
    ctx.textAlign = 'right';
    const label = `${slope(growth.bytes)}/${this.model.step}`;
    const x = from[0] + (to[0] - from[0]) * 0.62;
    const y = from[1] + (to[1] - from[1]) * 0.62;
    ctx.fillText(label, Math.max(x - 8 * pixel, plot.bbox.left + ctx.measureText(label).width), y - 6 * pixel);
  }

  private resize() {
    const width = this.plotted.clientWidth;
    if (width <= 0) return;
    if (!this.plot) this.draw();
    else if (this.plot.width !== width) this.plot.setSize({width, height: kChartHeight});
    this.showRange();
  }

  // --- range ------------------------------------------------------------------------------------

  private controls(): HTMLElement {
    const numbers = this.numbers;
    this.from.setAttribute('aria-label', `from ${this.model.step}`);
    this.to.setAttribute('aria-label', `to ${this.model.step}`);
    for (const input of [this.from, this.to]) {
      input.min = String(numbers[0] ?? 0);
      input.max = String(numbers[numbers.length - 1] ?? 0);
      input.addEventListener('change', () => this.model.choose(this.from.valueAsNumber || 0,
        Number.isNaN(this.to.valueAsNumber) ? numbers[numbers.length - 1] : this.to.valueAsNumber));
    }
    const whole = html('button', {type: 'button', id: 'range-whole', class: 'quiet'}, 'after warm-up');
    whole.addEventListener('click', () => this.model.chooseWhole());
    const late = html('button', {type: 'button', id: 'range-late', class: 'quiet'}, 'last tenth');
    late.addEventListener('click', () => {
      const last = numbers[numbers.length - 1];
      this.model.choose(last - (last - numbers[0]) / 10, last);
    });
    return html('div', {class: 'controls', role: 'group', 'aria-label': 'Range'},
      html('label', {for: 'range-from'}, `from ${this.model.step}`), this.from,
      html('label', {for: 'range-to'}, 'to'), this.to, whole, late, this.at, this.words);
  }

  private showRange() {
    const {range} = this.model;
    const first = this.model.number(range.from);
    const last = this.model.number(range.to);
    this.from.value = String(first);
    this.to.value = String(last);
    const a = indexAt(this.numbers, first);
    const b = indexAt(this.numbers, last);
    const seconds = (this.milliseconds[b] - this.milliseconds[a]) / 1000;
    const gained = this.liveAt(b) - this.liveAt(a);
    this.words.textContent =
      `${range.whole ? 'After warm-up: ' : ''}${count(last - first)} ${this.model.step}s in ${duration(seconds)}, ` +
      `live memory ${gained === 0 ? 'gained nothing' : `${slope(gained)} (${slope(gained / this.model.steps)}/` +
      `${this.model.step})`}. ${range.whole ? 'Drag on the curve to look at a part of it.' : ''}`;
    this.element.querySelector('#range-whole')?.setAttribute('aria-pressed', String(range.whole));
    if (!this.plot) return;
    this.selecting = true;
    const left = this.plot.valToPos(first, 'x');
    this.plot.setSelect({left, width: range.whole ? 0 : Math.max(1, this.plot.valToPos(last, 'x') - left), top: 0,
      height: range.whole ? 0 : this.plot.bbox.height / devicePixelRatio}, false);
    this.selecting = false;
  }

  private readonly brushed = onceAFrame(() => {
    const {plot} = this;
    if (!plot || plot.select.width < 2) return;
    this.model.choose(plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x'));
  });

  private takeSelection() {
    if (!this.selecting) this.brushed();
  }

  // --- legend -----------------------------------------------------------------------------------

  private follow(plot: uPlot) {
    const i = plot.cursor.idx ?? this.numbers.length - 1;
    this.showValues(i);
    this.at.textContent = plot.cursor.idx === null || plot.cursor.idx === undefined
      ? '' : `${this.model.step} ${count(this.numbers[i])}`;
  }

  private showValues(i: number) {
    for (const layer of this.layers) layer.value!.textContent = bytes(layer.live[i]);
    this.rssValue.textContent = bytes(this.rss[i]);
  }

  private legend(): HTMLElement {
    const rows = html('tbody', {});
    const redrawn = (set: (on: boolean) => void) => (on: boolean) => {
      set(on);
      this.draw();
    };
    rows.append(legendRow({name: 'RSS', colour: 'var(--rss)', look: 'line', checked: true, value: this.rssValue,
      change: redrawn((on) => (this.rssShown = on))}));
    for (const layer of [...this.layers].reverse()) {
      layer.value = html('td', {class: 'figure'});
      rows.append(legendRow({name: layer.name, colour: this.colours.areaName(layer.tag), checked: layer.shown,
        value: layer.value, change: redrawn((on) => (layer.shown = on))}));
    }
    const budget = this.model.data.report.budget.peak_rss_bytes;
    if (budget !== null) {
      rows.append(legendRow({name: 'budget in scale', colour: 'var(--bad)', look: 'line', checked: this.budgetInScale,
        value: html('td', {class: 'figure'}, bytes(budget)), change: redrawn((on) => (this.budgetInScale = on))}));
    }
    this.showValues(this.numbers.length - 1);
    return html('table', {class: 'legend', 'aria-label': 'Live bytes by tag'}, rows);
  }
}
