// report: the page of a run from top to bottom.
import {Colours} from './colours';
import {Curve} from './curve';
import {PageData} from './data';
import {findingsView} from './findings';
import {Flame} from './flame';
import {heapGraphView} from './heap_graph';
import {ledgerView, processesView, threadsView} from './ledger';
import {Model} from './model';
import {Page} from './page';
import {SiteTable} from './site_table';
import {verdictView} from './verdict';

export function reportPage(data: PageData): Page {
  const model = new Model(data);
  const colours = new Colours(data.report.tags.map((tag) => tag.peak_live_bytes), 0, 1);
  const table = new SiteTable(model, colours);
  const flame = new Flame(model, colours, (rows, words) => table.showOnly(rows, words));
  const sections = [
    {name: 'Memory', element: new Curve(model, colours).element},
    {name: 'Findings', element: findingsView(model, colours)},
    {name: 'Heap graph', element: heapGraphView(model)},
    {name: 'Flame graph', element: flame.element},
    {name: 'Ledger', element: ledgerView(model)},
    {name: 'Call sites', element: table.element},
    {name: 'Processes', element: processesView(model)},
    {name: 'Threads', element: threadsView(model)},
  ];
  return {title: `${data.report.verdict}: ${data.title.slice(0, 80)}`, header: verdictView(model),
    sections: sections.flatMap(({name, element}) => (element ? [{name, element}] : []))};
}
