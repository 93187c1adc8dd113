// main: the page from top to bottom.
import {Colours} from './colours';
import {Curve} from './curve';
import {readData} from './data';
import {findingsView} from './findings';
import {Flame} from './flame';
import {html} from './dom';
import {ledgerView, processesView, threadsView} from './ledger';
import {Model} from './model';
import {SiteTable} from './site_table';
import {startTheme, toggleTheme} from './theme';
import {verdictView} from './verdict';

const kNames: Record<string, string> = {curve: 'Memory', findings: 'Findings', flame: 'Flame graph', ledger: 'Ledger',
  sites: 'Call sites', processes: 'Processes', threads: 'Threads'};

function draw() {
  const data = readData();
  startTheme();
  document.title = `${data.report.verdict}: ${data.title.slice(0, 80)} - leakhunt`;
  const model = new Model(data);
  const colours = new Colours(model);
  const table = new SiteTable(model, colours);
  const flame = new Flame(model, colours, (rows, words) => table.showOnly(rows, words));
  const sections = [new Curve(model, colours).element, findingsView(model, colours), flame.element, ledgerView(model),
    table.element, processesView(model), threadsView(model)].filter((each) => each !== null);
  const links = sections.map((each) => html('a', {href: `#${each.id}`}, kNames[each.id]));
  document.body.append(
    html('nav', {'aria-label': 'Sections'}, ...links),
    html('main', {}, verdictView(model), ...sections));
  document.body.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 't') toggleTheme();
    if (event.key === '/') {
      event.preventDefault();
      document.getElementById('sites-search')!.focus();
    }
  });
  document.documentElement.dataset.drawn = 'yes';
}

draw();
