// findings: one card each: what is accused, and with what evidence.
import {Colours} from './colours';
import {Finding} from './data';
import {command, html, section, shortened} from './dom';
import {Model} from './model';
import {growthCurve, stackList} from './stack_view';
import {bytes, count, duration, percent, plain, plural, slope} from './units';

const kCardsAtOnce = 20;
const kOpen = 3; // of many; of few, all
const kKeeping: Record<string, string> = {
  kept: 'Some of every age are kept, as a leak does.',
  turnover: 'The old ones die, as in a cache or a queue, which grows.',
  dwindling: 'Fewer and fewer are born, as in a pool.',
};
// Of a finding's keys, those that the card has a place for; any other that has a value gets a line of its own.
const kPlaced = new Set(['kind', 'tag', 'function', 'file', 'line', 'growth_bytes_per_iteration',
  'growth_bytes_per_iteration_interval', 'growth_blocks_per_iteration', 'growth_blocks_per_iteration_interval',
  'confidence', 'exact', 'trend', 'since_iteration', 'period', 'repeats', 'share_of_growth', 'iterations_left',
  'allocations_per_iteration', 'frees_per_iteration', 'survival', 'keeping', 'chance', 'call_sites', 'call_sites_left_out', 'threads',
  'freed_twins', 'retention']);

// What the heap graphs say: docs/report.schema.json.
interface Holder {
  words: string;
}
interface Retention {
  reachability: string;
  held: {reachability: string; blocks: number; bytes: number}[];
  path: string;
  retainers: Holder[];
  retained_bytes: number | null;
  last_holder: (Holder & {seen_iteration: number; gone_iteration: number; now: string}) | null;
  container: {call_site: number; children_before: number; children_after: number; before_iteration: number;
    after_iteration: number} | null;
}

function rateSentence(model: Model, finding: Finding): string {
  const step = model.step;
  let text = `${slope(finding.growth_bytes_per_iteration)} and ` +
    `${plural(finding.growth_blocks_per_iteration, 'block')} per ${step}`;
  if (finding.exact) {
    text += finding.period > 1 ? `, exactly, in a pattern of ${finding.period} ${step}s` : ', exactly';
  } else {
    const [low, high] = finding.growth_bytes_per_iteration_interval;
    text += ` (${Math.round(finding.confidence * 100)} % interval ${slope(low)} to ${slope(high)})`;
  }
  return `${text}, since ${step} ${count(finding.since_iteration)}.`;
}

function budgetSentence(model: Model, finding: Finding): string {
  const {budget, forecast} = model.data.report;
  const step = model.step;
  const parts: string[] = [];
  if (budget.growth_bytes_per_iteration !== null) {
    const over = finding.growth_bytes_per_iteration > budget.growth_bytes_per_iteration;
    parts.push(`The growth budget is ${bytes(budget.growth_bytes_per_iteration)} per ${step}: ` +
      (over ? 'this alone breaks it.' : 'this alone keeps to it.'));
  }
  if (budget.peak_rss_bytes !== null && finding.growth_bytes_per_iteration > 0) {
    const alone = budget.peak_rss_bytes / finding.growth_bytes_per_iteration;
    if (forecast && forecast.iterations_left === 0) {
      parts.push(`The RSS budget of ${bytes(budget.peak_rss_bytes)} is broken.`);
    } else if (forecast) {
      parts.push(`With the process's whole growth the RSS budget of ${bytes(budget.peak_rss_bytes)} breaks in ` +
        `${count(forecast.iterations_left)} ${step}s, at ${step} ${count(forecast.iteration)}` +
        (forecast.seconds_left === null ? '.' : `, after ${duration(forecast.seconds_left)}.`));
    } else {
      parts.push(`Alone it fills the RSS budget of ${bytes(budget.peak_rss_bytes)} in ${count(alone)} ${step}s.`);
    }
  }
  return parts.join(' ');
}

// Of the blocks born in each eighth of the time since, how many live.
function survival(model: Model, finding: Finding): HTMLElement | null {
  const curve = finding.survival;
  if (!curve || curve.generations.every((each) => each.born === 0)) return null;
  const bars = html('div', {class: 'bars', role: 'img', 'aria-label': 'Alive of each eighth of the births, oldest ' +
    `first: ${curve.generations.map((each) => percent(each.alive, each.born) || 'none born').join(', ')}`});
  for (const each of curve.generations) {
    const share = each.born === 0 ? 0 : each.alive / each.born;
    const bar = html('i', {});
    bar.style.height = `${Math.round(share * 100)}%`;
    bars.append(html('div', {class: each.born === 0 ? 'bar none' : 'bar',
      title: `born in ${model.step}s ${count(each.first)} to ${count(each.last)}: ${count(each.born)}, ` +
        `alive ${count(each.alive)}`}, bar, html('small', {}, each.born === 0 ? '–' : `${Math.round(share * 100)}`)));
  }
  return html('figure', {class: 'survival'}, bars, html('figcaption', {},
    html('span', {}, 'oldest'), html('span', {}, '% alive by birth'), html('span', {}, 'newest')));
}

function inWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return '';
  if (Array.isArray(value)) return value.map(inWords).filter(Boolean).join('; ');
  if (typeof value === 'object') {
    return Object.entries(value).map(([key, each]) => [key.replaceAll('_', ' '), inWords(each)])
      .filter(([, text]) => text).map(([key, text]) => `${key} ${text}`).join(', ');
  }
  if (typeof value === 'number') return plain(value);
  return shortened(String(value), 300);
}

function retentionLines(model: Model, retention: Retention): [string, string][] {
  const {step} = model;
  const held = retention.held.filter((each) => each.blocks > 0)
    .map((each) => `${each.reachability} ${plural(each.blocks, 'block')} (${bytes(each.bytes)})`);
  const lines: [string, string][] = [['reachability', `${retention.reachability}: ${held.join(', ')}`]];
  if (retention.path) lines.push(['held by', retention.path]);
  else if (retention.retainers.length > 0) {
    lines.push(['held by', retention.retainers.map((each) => each.words).join(' ← ')]);
  }
  if (retention.retained_bytes !== null) lines.push(['retained', bytes(retention.retained_bytes)]);
  const last = retention.last_holder;
  if (last) {
    lines.push(['last held by', `${last.words}, seen at ${step} ${count(last.seen_iteration)}, gone at ` +
      `${count(last.gone_iteration)}${last.now ? `; ${last.now}` : ''}`]);
  }
  const container = retention.container;
  if (container) {
    const row = model.rowOfSite.get(container.call_site);
    lines.push(['what grows', `${row === undefined ? 'a block' : `a block from ${model.stacks.answering(row).name}`} held ` +
      `${count(container.children_before)} at ${step} ${count(container.before_iteration)}, ` +
      `${count(container.children_after)} at ${count(container.after_iteration)}`]);
  }
  return lines;
}

// Where the siblings of the blocks that stay are freed: docs/report.schema.json.
interface FreedTwins {
  freed_blocks: number;
  kept_blocks: number;
  frees_looked_at: number;
  freed_at: {function: string; file: string; line: number; module: string; frees: number}[];
}

function twinsText(twins: FreedTwins): string {
  if (twins.freed_blocks === 0 || twins.kept_blocks === 0) return '';
  const places = twins.freed_at.slice(0, 3).map((place) => {
    const where = place.file ? `${place.file}:${place.line}` : place.module;
    return `${shortened(place.function || where, 200)} (${where}) in ${count(place.frees)}`;
  });
  const by = places.length === 0 ? '' : `, by ${places.join(', ')} of the ${count(twins.frees_looked_at)} frees looked at`;
  return `${count(twins.freed_blocks)} of ${count(twins.freed_blocks + twins.kept_blocks)} blocks${by}; ` +
    `${count(twins.kept_blocks)} stayed`;
}

// What is known of the cause beyond growth: who holds it, where the last reference was, its freed twins.
function causes(model: Model, finding: Finding): HTMLElement | null {
  const list = html('dl', {class: 'causes'});
  if (finding.retention) {
    for (const [name, text] of retentionLines(model, finding.retention as Retention))
      list.append(html('dt', {}, name), html('dd', {}, shortened(text, 800)));
  }
  const freed = finding.freed_twins ? twinsText(finding.freed_twins as FreedTwins) : '';
  if (freed) list.append(html('dt', {}, 'freed twins'), html('dd', {}, freed));
  for (const [key, value] of Object.entries(finding)) {
    const text = kPlaced.has(key) ? '' : inWords(value);
    if (text) list.append(html('dt', {}, key.replaceAll('_', ' ')), html('dd', {}, text));
  }
  return list.childElementCount > 0 ? list : null;
}

function evidence(model: Model, finding: Finding, rows: number[]): string {
  const step = model.step;
  const stacks = new Set(rows.map((row) => model.data.sites.stack[row])).size;
  let text = '';
  if (rows.length > 0) {
    text = `Allocates ${plural(finding.allocations_per_iteration, 'block')} per ${step} and frees ` +
      `${plain(finding.frees_per_iteration)}${stacks > 1 ? `, through ${stacks} different stacks` : ''}. `;
  }
  if (finding.threads && finding.threads.length > 0) {
    text += `In ${plural(finding.threads.length, 'thread')}: ${finding.threads.slice(0, 8).join(', ')}` +
      `${finding.threads.length > 8 ? ' …' : ''}. `;
  }
  if (finding.survival && finding.survival.born_after_warm_up > 0) {
    text += `${count(finding.survival.born_after_warm_up)} blocks born since then are alive, ` +
      `${count(finding.survival.born_in_first_half)} of them from the first half. ${kKeeping[finding.keeping] ?? ''}`;
  }
  return text;
}

function card(model: Model, colours: Colours, finding: Finding, number: number, open: boolean): HTMLElement {
  const rows = finding.call_sites.map((id) => model.rowOfSite.get(id)).filter((row) => row !== undefined) as number[];
  const tag = model.data.report.tags.findIndex((each) => each.name === finding.tag);
  const answering = rows.length > 0 ? model.stacks.answering(rows[0]) : null;
  const swatch = html('i', {class: 'swatch'});
  swatch.style.background = colours.lineName(tag);
  const {clock} = model.data;
  const again = `leakhunt report recording.lhr --format svg --from ${Math.max(clock.base ?? 0, finding.since_iteration)} ` +
    `--to ${clock.last ?? 'end'} -o growth.svg`;
  const texts = [rateSentence(model, finding), evidence(model, finding, rows), budgetSentence(model, finding)];
  return html('details', {class: `card ${finding.kind}`, id: `finding-${number}`, open},
    html('summary', {},
      html('span', {class: 'badge small'}, finding.kind),
      html('h3', {id: `finding-${number}-name`},
        html('span', {class: 'name', title: answering ? shortened(answering.name, 600) : ''},
          answering ? shortened(answering.name, 110) : 'the process as a whole'),
        answering?.source && html('span', {class: 'source'}, shortened(answering.source, 80))),
      html('span', {class: 'tag'}, swatch, finding.tag ?? 'all tags'),
      html('strong', {class: 'figure'}, `${slope(finding.growth_bytes_per_iteration)}/${model.step}`),
      html('span', {class: 'share'}, finding.share_of_growth < 0.01 ? '< 1 % of the growth'
        : `${Math.round(finding.share_of_growth * 100)} % of the growth`)),
    html('div', {class: 'body'},
      html('div', {class: 'pictures'}, growthCurve(model, colours, rows, tag), survival(model, finding)),
      html('div', {class: 'words'}, ...texts.filter(Boolean).map((text) => html('p', {}, text)), causes(model, finding)),
      rows.length > 0 && stackList(model.stacks, rows[0])),
    html('footer', {}, command('show it again', again)));
}

export function findingsView(model: Model, colours: Colours): HTMLElement {
  const {findings} = model.data.report;
  const view = section('findings', findings.length === 0 ? 'Findings' : `Findings (${findings.length})`);
  if (findings.length === 0) {
    view.append(html('p', {class: 'quiet-text'}, 'Nothing grows that could be accused.'));
    return view;
  }
  const list = html('div', {class: 'cards'});
  let shown = 0;
  const more = html('button', {type: 'button'});
  const show = () => {
    for (const end = Math.min(shown + kCardsAtOnce, findings.length); shown < end; ++shown)
      list.append(card(model, colours, findings[shown], shown + 1, shown < kOpen || findings.length <= 2 * kOpen));
    more.textContent = `${findings.length - shown} more findings`;
    more.hidden = shown === findings.length;
  };
  more.addEventListener('click', show);
  show();
  view.append(list, more);
  return view;
}
