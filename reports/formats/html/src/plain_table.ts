// plain_table: a table of few rows, as it stands.
import {html} from './dom';

export type Cell = string | Node;

// Of each column the heading, and whether it holds figures.
export function plainTable(name: string, columns: [string, boolean][], rows: Cell[][]): HTMLElement {
  return html('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': name},
    html('table', {class: 'plain', 'aria-label': name},
      html('thead', {}, html('tr', {}, ...columns.map(([heading, figure]) =>
        html('th', {scope: 'col', class: figure ? 'figure' : ''}, heading)))),
      html('tbody', {}, ...rows.map((row) => html('tr', {}, ...row.map((cell, i) =>
        html('td', {class: columns[i][1] ? 'figure' : ''}, cell)))))));
}
