// chart: what the curves of all pages have in common: colours, axes, and the rows of their legends.
import uPlot from 'uplot';
import {html} from './dom';
import {count, roundBytes} from './units';

export const kChartHeight = 300;

export function themeColour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The clock below, bytes on the left.
export function clockAndBytes(): uPlot.Axis[] {
  const grid = {stroke: themeColour('--grid'), width: 1};
  const axis = {stroke: themeColour('--faint'), grid, font: '11px system-ui, sans-serif', ticks: grid};
  return [
    {...axis, space: 70, size: 30, values: (_, ticks) => ticks.map((tick) => Number.isInteger(tick) ? count(tick) : '')},
    {...axis, size: 68, values: (_, ticks) => ticks.map(roundBytes)},
  ];
}

export interface LegendRow {
  name: string;
  colour: string;
  look?: 'line' | 'dashed'; // otherwise an area
  checked: boolean;
  value: HTMLElement | null;
  change: (on: boolean) => void;
}

export function legendRow({name, colour, look, checked, value, change}: LegendRow): HTMLElement {
  const box = html('input', {type: 'checkbox', checked});
  box.addEventListener('change', () => change(box.checked));
  const swatch = html('i', {class: `swatch ${look ?? ''}`});
  swatch.style.setProperty('--swatch', colour);
  return html('tr', {}, html('td', {}, html('label', {title: name}, box, swatch, html('span', {}, name))), value);
}
