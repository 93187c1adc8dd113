// units: numbers as a person reads them; the same rules as reports/formats/units.cpp.

const kUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const counted = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});

export function count(value: number): string {
  return counted.format(value);
}

function scaled(value: number): string {
  let unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.length) {
    value /= 1000;
    ++unit;
  }
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${kUnits[unit]}`;
}

export function bytes(value: number): string {
  const size = Math.abs(value);
  if (size < 10000) return `${count(Math.round(value))} B`;
  return (value < 0 ? '-' : '') + scaled(size);
}

// For an axis: no more digits than its ticks need.
export function roundBytes(value: number): string {
  if (value === 0) return '0';
  let unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.length) {
    value /= 1000;
    ++unit;
  }
  return `${Number(value.toPrecision(4))} ${kUnits[unit]}`;
}

export function plain(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  if (Math.abs(value) < 1000) return String(Number(value.toFixed(3)));
  return count(Math.round(value));
}

export function slope(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return (value < 0 ? '-' : '+') + (size < 10000 ? `${plain(size)} B` : scaled(size));
}

export function rate(value: number): string {
  if (value >= 1000) return count(Math.round(value));
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

export function duration(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 119.5) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

export function percent(part: number, whole: number): string {
  if (whole === 0) return '';
  const value = (100 * part) / whole;
  return `${value.toFixed(Math.abs(value) < 9.95 && value !== 0 ? 1 : 0)} %`;
}

export function plural(value: number, noun: string): string {
  return `${plain(value)} ${noun}${value === 1 ? '' : 's'}`;
}
