// run_plots: one figure over the runs in each plot. A run is a point, by its verdict a disc, a cross or a square; where
// something began to be worse is an upright line. Arrow keys walk from run to run, Enter opens one.
import {html, onceAFrame, svg} from './dom';
import {Group, HistoricRun, Of, runName} from './history_data';
import {bytes, plain, rate, slope} from './units';

const kHeight = 120;
const kLeft = 6;
const kTop = 24;
const kBottom = 18;

interface Figure {
  name: string;
  value: (run: HistoricRun) => number | null;
  text: (value: number) => string;
  of?: Of;
}

const kFigures: Figure[] = [
  {name: 'growth per iteration', value: (run) => run.growth, text: (value) => (value === 0 ? '0 B' : slope(value)), of: 'growth'},
  {name: 'live at the end', value: (run) => run.live, text: bytes, of: 'live'},
  {name: 'peak RSS', value: (run) => run.peak_rss, text: bytes},
  {name: 'allocations per iteration', value: (run) => run.allocations, text: plain, of: 'allocations'},
  {name: 'iterations per second', value: (run) => run.per_second, text: rate},
];

export class RunPlots {
  readonly element = html('div', {class: 'plots'});
  private readonly plots: Plot[];

  constructor(group: Group, open: (run: number) => void) {
    const shown = kFigures.filter((figure) => group.runs.some((run) => figure.value(run) !== null));
    this.plots = shown.map((figure) => new Plot(group, figure, open));
    this.element.append(...this.plots.map((plot) => plot.element));
  }

  select(run: number) {
    for (const plot of this.plots) plot.select(run);
  }
}

class Plot {
  readonly element: HTMLElement;
  private readonly box = html('div', {class: 'run-plot'});
  private readonly values: (number | null)[];
  private readonly most: number;
  private selected = -1;
  private current: number; // has the keyboard

  constructor(private readonly group: Group, private readonly figure: Figure, private readonly open: (run: number) => void) {
    this.values = group.runs.map(figure.value);
    this.current = group.runs.length - 1;
    const known = this.values.filter((value) => value !== null) as number[];
    this.most = Math.max(...known, 0) || 1;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    this.element = html('div', {class: 'plot-of-runs', role: 'group', 'aria-label': `${figure.name} of each run`},
      html('p', {}, html('strong', {}, figure.name),
        html('span', {}, low === high ? `always ${figure.text(low)}` : `${figure.text(low)} to ${figure.text(high)}`)),
      this.box);
    this.box.addEventListener('keydown', (event) => this.key(event));
    this.box.addEventListener('click', (event) => {
      const point = (event.target as Element).closest('g.run-point');
      if (point) this.open(Number(point.getAttribute('data-run')));
    });
    new ResizeObserver(onceAFrame(() => this.draw())).observe(this.box);
  }

  select(run: number) {
    this.selected = this.current = run;
    this.draw();
  }

  private draw() {
    const width = this.box.clientWidth;
    if (width <= 0) return;
    const {runs, beginnings} = this.group;
    const last = runs.length - 1;
    const apart = (width - 2 * kLeft - 8) / Math.max(1, last);
    const x = (run: number) => kLeft + 4 + run * apart;
    const y = (value: number) => kTop + (1 - Math.max(0, value) / this.most) * (kHeight - kTop - kBottom);
    const size = Math.max(1.6, Math.min(4, apart / 2.6));
    const focused = this.box.contains(document.activeElement);
    const picture = svg('svg', {width, height: kHeight});
    const ground = y(0);
    picture.append(svg('line', {class: 'ground', x1: 0, x2: width, y1: ground, y2: ground}));
    for (const beginning of beginnings) {
      if (beginning.of !== this.figure.of) continue;
      const at = beginning.run === 0 ? x(0) - 4 : (x(beginning.run) + x(beginning.run - 1)) / 2;
      const right = at > width * 0.6;
      picture.append(svg('rect', {class: 'worse', x: at, y: kTop - 8, width: Math.max(0, width - at), height: ground - kTop + 8}),
        svg('line', {class: 'begin', x1: at, x2: at, y1: kTop - 14, y2: ground}),
        svg('text', {class: 'begin', x: at + (right ? -5 : 5), y: kTop - 9, 'text-anchor': right ? 'end' : 'start'},
          `▲ began in ${runName(runs[beginning.run], beginning.run, 16)}`));
    }
    const line = this.values.flatMap((value, run) => (value === null ? [] : [`${x(run).toFixed(1)} ${y(value).toFixed(1)}`]));
    if (line.length > 1) picture.append(svg('path', {class: 'plot-line', d: `M${line.join('L')}`}));
    this.values.forEach((value, run) => {
      if (value !== null) picture.append(this.point(run, x(run), y(value), size, value));
    });
    const end = (run: number, anchor: string) => svg('text', {class: 'end', x: anchor === 'start' ? 0 : width, y: kHeight - 4,
      'text-anchor': anchor}, runName(runs[run], run, 16));
    picture.append(end(0, 'start'), end(last, 'end'));
    this.box.replaceChildren(picture);
    if (focused) this.focus();
  }

  private point(run: number, x: number, y: number, size: number, value: number): SVGElement {
    const {verdict} = this.group.runs[run];
    const began = this.group.beginnings.some((each) => each.run === run && each.of === this.figure.of);
    const label = `${runName(this.group.runs[run], run)}, ${verdict}, ${this.figure.name} ${this.figure.text(value)}` +
      (began ? ', where it began' : '');
    const shape = verdict === 'pass' ? svg('circle', {cx: x, cy: y, r: size})
      : verdict === 'inconclusive' ? svg('rect', {x: x - size, y: y - size, width: 2 * size, height: 2 * size})
        : svg('path', {d: `M${x - size} ${y - size}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}`});
    const kind = verdict === 'pass' ? 'pass' : verdict === 'inconclusive' ? 'open' : 'fail';
    return svg('g', {class: `run-point ${kind}${run === this.selected ? ' selected' : ''}`, 'data-run': run, role: 'button',
      'aria-label': label, 'aria-pressed': String(run === this.selected), tabindex: run === this.current ? 0 : -1},
    svg('title', {}, label),
    svg('circle', {class: 'reach', cx: x, cy: y, r: size + 5}), shape);
  }

  private focus() {
    this.box.querySelector<SVGElement>('g[tabindex="0"]')?.focus();
  }

  private key(event: KeyboardEvent) {
    const last = this.values.length - 1;
    const step = (by: number) => {
      let run = this.current + by;
      while (run >= 0 && run <= last && this.values[run] === null) run += Math.sign(by);
      return run >= 0 && run <= last ? run : this.current;
    };
    const moves: Record<string, () => number> = {ArrowLeft: () => step(-1), ArrowRight: () => step(1), Home: () => 0, End: () => last};
    if (event.key in moves) {
      this.current = moves[event.key]();
      this.draw();
      this.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.open(this.current);
    } else {
      return;
    }
    event.preventDefault();
  }
}
