// colours: a tag has the same colour in the curve, the flame graph and the tables. Memory without a tag is grey,
// unless nothing has a tag.
import {onTheme, theme} from './theme';

const kHues = [212, 28, 152, 338, 268, 48, 187, 4, 96, 305, 230, 128];
const kGrey = -1;

export class Colours {
  private readonly hues = new Map<number, number>();
  // Tags, the largest first.
  readonly order: number[];

  // By tag the most that was live of it; `heap` and `mapped` are what has no tag.
  constructor(peaks: number[], heap: number, mapped: number) {
    const used = peaks.map((_, tag) => tag).filter((tag) => peaks[tag] > 0);
    this.order = used.sort((a, b) => peaks[b] - peaks[a]);
    const alone = this.order.every((tag) => tag === heap || tag === mapped);
    let next = 0;
    for (const tag of this.order) {
      if (tag === heap && !alone) this.hues.set(tag, kGrey);
      else this.hues.set(tag, kHues[next++ % kHues.length]);
    }
    this.publish();
    onTheme(() => this.publish());
  }

  // For elements, which then follow the theme by themselves.
  private publish() {
    const {style} = document.documentElement;
    for (const tag of [...this.order, -1]) {
      style.setProperty(`--area${tag}`, this.area(tag));
      style.setProperty(`--line${tag}`, this.line(tag));
    }
  }

  areaName(tag: number): string {
    return `var(--area${this.hues.has(tag) ? tag : -1})`;
  }

  lineName(tag: number): string {
    return `var(--line${this.hues.has(tag) ? tag : -1})`;
  }

  private hue(tag: number): number {
    return this.hues.get(tag) ?? kGrey;
  }

  area(tag: number): string {
    const hue = this.hue(tag);
    if (theme() === 'dark') return hue === kGrey ? 'hsl(220 6% 40%)' : `hsl(${hue} 42% 42%)`;
    return hue === kGrey ? 'hsl(220 8% 72%)' : `hsl(${hue} 58% 72%)`;
  }

  line(tag: number): string {
    const hue = this.hue(tag);
    if (theme() === 'dark') return hue === kGrey ? 'hsl(220 8% 62%)' : `hsl(${hue} 62% 64%)`;
    return hue === kGrey ? 'hsl(220 8% 48%)' : `hsl(${hue} 60% 42%)`;
  }

  // A frame below the tag; names differ a little in lightness, so that neighbours can be told apart.
  frame(tag: number, name: string): string {
    let hash = 0;
    for (let i = 0; i < Math.min(name.length, 60); ++i) hash = (hash * 31 + name.charCodeAt(i)) | 0;
    const shade = ((hash >>> 3) % 7) - 3;
    const hue = this.hue(tag) === kGrey ? 220 : this.hue(tag) + ((hash >>> 7) % 9) - 4;
    const grey = this.hue(tag) === kGrey;
    if (theme() === 'dark') return `hsl(${hue} ${grey ? 7 : 36}% ${27 + shade}%)`;
    return `hsl(${hue} ${grey ? 10 : 62}% ${83 + shade}%)`;
  }
}
