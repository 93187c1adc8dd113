// The HTML report in a browser: page_test.mjs MODULES WRITER FOLDER (browser.mjs).
import assert from 'node:assert/strict';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {becomes, folder, isAccessible, on, open, showsNamesAsText, tableRows, text} from './browser.mjs';

open('report');
// A frame of the flame graph by its name.
const frame = (page, name) => page.locator(`#flame-graph g.frame[aria-label^="${name}, "]`);

test('the verdict and its reason come first', () => on('leaking', async (page) => {
  assert.equal(await text(page, '#verdict'), 'FAIL');
  assert.match(await text(page, '#reason'), /^Live memory grows by \+1,920 B per iteration/);
  assert.match(await text(page, 'h1'), /leaky/);
  const order = await page.locator('main > *').evaluateAll((all) => all.map((each) => each.id || each.localName));
  assert.deepEqual(order, ['summary', 'curve', 'findings', 'flame', 'ledger', 'sites']);
  assert.match(await text(page, '#summary .command code'), /^leakhunt scenario leaky/);
}));

test('a healthy run has no findings and passes', () => on('healthy', async (page) => {
  assert.equal(await text(page, '#verdict'), 'PASS');
  assert.match(await text(page, '#findings'), /Nothing grows/);
  assert.equal(await page.locator('#flame-peak').getAttribute('aria-pressed'), 'true');
}));

test('an empty recording is a page, too', () => on('empty', async (page) => {
  assert.equal(await text(page, '#verdict'), 'INCONCLUSIVE');
  assert.match(await text(page, '#curve'), /holds no tick/);
}));

test('the curve shows tags, RSS and budget, and its legend hides a tag', () => on('leaking', async (page) => {
  const legend = await text(page, '.legend');
  for (const name of ['RSS', 'node', 'cache', 'weights', 'budget in scale', '20.0 MB']) assert.ok(legend.includes(name), name);
  const pixels = () => page.locator('#curve canvas').evaluate((canvas) => canvas.toDataURL().length);
  const before = await pixels();
  await page.getByLabel('weights').uncheck();
  assert.notEqual(await pixels(), before);
}));

test('each finding is a card with stack, curve, budget and command', () => on('leaking', async (page) => {
  assert.equal(await page.locator('.card').count(), 2);
  const card = await text(page, '#finding-1');
  for (const words of ['LEAK', 'Graph::add', 'node', '+1,600 B', 'exactly', 'The growth budget is 0 B per iteration',
    'RSS budget of 20.0 MB', 'main', 'leakhunt report']) {
    assert.ok(card.toLowerCase().includes(words.toLowerCase()), words);
  }
  assert.match(await page.locator('#finding-1 .growth svg').getAttribute('aria-label'), /1,600 B at iteration 0/);
  await page.locator('#finding-1 .fold').first().click();
  assert.match(await text(page, '#finding-1 .stack'), /^malloc/);
}));

test('the flame graph shows four things in two units', () => on('leaking', async (page) => {
  assert.match(await text(page, '#flame-words'), /\+1,778 B\/iteration gained per iteration, iteration 99 to 999/);
  await page.click('#flame-end');
  await becomes(page, '#flame-words', /3\.76 MB live at the end, iteration 999/);
  assert.match(await frame(page, 'Model::load').getAttribute('aria-label'), /2\.00 MB/);
  await page.click('#flame-peak');
  await becomes(page, '#flame-words', /live at the peak/);
  await page.click('#flame-rate');
  await becomes(page, '#flame-words', /allocated per iteration/);
  assert.match(await frame(page, 'Batch::read').getAttribute('aria-label'), /192 B\/iteration/);
  await page.click('#flame-blocks');
  assert.match(await frame(page, 'Batch::read').getAttribute('aria-label'), /3 blocks\/iteration/);
}));

test('a range brushed on the curve is what the flame graph shows', () => on('leaking', async (page) => {
  assert.equal(await frame(page, 'Cache::fill').count(), 1);
  const plot = await page.locator('#curve .u-over').boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.2, plot.y + 50);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 60, {steps: 3});
  await page.mouse.move(plot.x + plot.width * 0.4, plot.y + 60, {steps: 3});
  await page.mouse.up();
  await becomes(page, '#range', /^(199|200|201) iterations in \d\.\d\d s, live memory \+3\d\d kB \(\+1,600 B\/iteration\)/);
  await becomes(page, '#flame-words', /^\+1,600 B\/iteration gained per iteration, iteration \d+ to [34]\d\d/);
  assert.equal(await frame(page, 'Cache::fill').count(), 0, 'it does not grow there');
  await page.click('#range-whole');
  await becomes(page, '#flame-words', /iteration 99 to 999/);
}));

test('a range typed in shows moments within it', () => on('leaking', async (page) => {
  await page.fill('#range-from', '600');
  await page.fill('#range-to', '700');
  await page.press('#range-to', 'Enter');
  await page.click('#flame-end');
  await becomes(page, '#flame-words', /live at iteration 700/);
  assert.match(await frame(page, 'Graph::add').getAttribute('aria-label'), /1\.12 MB/);  // 701 x 1600
  await page.click('#flame-growth');
  assert.match(await frame(page, 'Cache::fill').getAttribute('aria-label'), /\+320 B\/iteration/);
}));

test('a frame zooms with the mouse, and the keyboard walks', () => on('leaking', async (page) => {
  await page.click('#flame-end');
  const full = (await frame(page, 'everything').boundingBox()).width;
  await frame(page, 'Graph::add').click();
  assert.ok(Math.abs((await frame(page, 'Graph::add').locator('rect').boundingBox()).width - full) < 3);
  await page.click('#flame-reset');
  await page.locator('#flame-graph g.frame[tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowRight');
  const tag = await page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.match(tag, /^tag /);
  await page.keyboard.press('Enter');
  await becomes(page, '#flame-details', new RegExp(`^${tag.split(',')[0]}`));
  assert.equal(await page.locator('#flame-graph g.frame.fade').count(), 1, 'everything stays above it');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#flame-graph g.frame.fade').count(), 0);
  await page.fill('#flame-search', 'GRAPH::');
  await page.waitForSelector('#flame-graph g.frame.found');
  assert.equal(await page.locator('#flame-graph g.frame.found').count(), 1);
}));

test('the table of call sites is searched, sorted and unfolded', () => on('leaking', async (page) => {
  assert.equal(await tableRows(page).count(), 4);
  assert.match(await tableRows(page).first().innerText(), /Graph::add/);
  await page.click('#sites-sort-peak');
  assert.match(await tableRows(page).first().innerText(), /Model::load/);
  await page.click('#sites-sort-peak');
  assert.match(await tableRows(page).first().innerText(), /Batch::read/);
  assert.equal(await page.locator('#sites th[aria-sort="ascending"]').count(), 1);
  await page.fill('#sites-search', 'cache -graph');
  await becomes(page, '#sites-words', /^1 of 4/);
  await tableRows(page).first().focus();
  await page.keyboard.press('Enter');
  await becomes(page, '#site-detail', /Cache::fill[\s\S]*main/);
  await page.keyboard.press('Escape');
  assert.equal(await text(page, '#site-detail'), '');
}));

test('the flame graph leads to its call sites', () => on('leaking', async (page) => {
  await frame(page, 'tag node').hover();
  await page.click('#flame-sites');
  await becomes(page, '#sites-words', /^1 of 4 below tag node/);
  await page.click('#sites-clear');
  await becomes(page, '#sites-words', /^4 of 4/);
}));

test('processes and threads have tables', () => on('family', async (page) => {
  assert.match(await text(page, '#processes'), /<b>child<\/b> --of \\x1b\[31mten/);
  assert.equal(await page.locator('#processes tbody tr').count(), 3);
  assert.match(await text(page, '#threads'), /1 worker/);
  assert.match(await text(page, '#sites thead'), /thread/);
}));

// A copy of the report, of which `change` altered what report.json says.
function altered(name, change) {
  const page = readFileSync(join(folder, `${name}.html`), 'utf8');
  const [, text] = page.match(/id="leakhunt-data">(.*?)<\/script>/s);
  const data = JSON.parse(text);
  change(data.report);
  const copy = `${name}-altered`;
  writeFileSync(join(folder, `${copy}.html`), page.replace(text, () => JSON.stringify(data).replaceAll('<', '\\u003c')));
  return copy;
}

test('the ledger is a table of amounts where no pages were looked at', () => on('leaking', async (page) => {
  assert.match(await text(page, '#ledger table'), /live blocks with a tag\s+3\.76 MB\s+3\.76 MB/);
}));

test('lines of the ledger unfold into their parts, at the end and at the peak', async () => {
  const line = (title, resident, items) =>
    ({part: title, title, count: 3, reserved_bytes: 2 * resident, resident_bytes: resident, items, call_sites: []});
  const name = altered('leaking', (report) => {
    report.ledger = {...report.ledger, iteration: 1000, rss_bytes: 4e6, lines: [
      line('blocks with a tag', 3e6, [{name: '<b>node</b>', count: 2, reserved_bytes: 1, resident_bytes: 2e6}]),
      line('unexplained', 1e6, [])]};
    report.ledger.at_peak = {...report.ledger, iteration: 500, rss_bytes: 8e6};
  });
  await on(name, async (page) => {
    assert.match(await text(page, '#ledger table'), /blocks with a tag\s+3\s+6\.00 MB\s+3\.00 MB\s+75 %/);
    await page.getByRole('button', {name: 'blocks with a tag'}).click();
    assert.match(await text(page, '#ledger tr.part'), /<b>node<\/b>\s+2\s+1 B\s+2\.00 MB\s+50 %/);
    await page.getByRole('button', {name: 'where most was resident'}).click();
    await becomes(page, '#ledger', /8\.00 MB resident after 500 iterations/);
  });
});

test('a finding tells who holds its blocks, and what it has no words for', async () => {
  const name = altered('leaking', (report) => {
    report.findings[0].retention = {reachability: 'lost', retained_bytes: 5e6, path: '', retainers: [], container: null,
      held: [{reachability: 'reachable', blocks: 0, bytes: 0}, {reachability: 'lost', blocks: 90, bytes: 14400}],
      last_holder: {words: "global 'g_head' + 8", seen_iteration: 40, gone_iteration: 50, now: 'it is null now'}};
    report.findings[0].freed_twins = {freed_blocks: 9990, kept_blocks: 10, frees_looked_at: 156,
      freed_at: [{function: '<i>twin</i>', file: 'queue.cpp', line: 52, module: 'app', frees: 156}]};
    report.findings[0].of_tomorrow = [{function: '<i>new</i>', blocks: 7}];
  });
  await on(name, async (page) => {
    const causes = await text(page, '#finding-1 .causes');
    for (const words of ['lost: lost 90 blocks (14.4 kB)', "global 'g_head' + 8, seen at iteration 40, gone at 50; it is null now",
      '9,990 of 10,000 blocks, by <i>twin</i> (queue.cpp:52) in 156 of the 156 frees looked at; 10 stayed',
      'of tomorrow', 'function <i>new</i>, blocks 7']) {
      assert.ok(causes.includes(words), `${words} in ${causes}`);
    }
  });
});

test('the heap graph is a section of what is held and lost, where, and by which root', () => on('graph', async (page) => {
  const order = await page.locator('main > *').evaluateAll((all) => all.map((each) => each.id || each.localName));
  assert.deepEqual(order, ['summary', 'curve', 'findings', 'graph', 'flame', 'ledger', 'sites']);
  assert.match(await text(page, '#graph h2'), /^Heap graph after 640 iterations$/);
  const table = (name) => page.getByRole('table', {name}).innerText();
  assert.match(await table('Held and lost'), /definitely lost\s+1\s+160 B\s+indirectly lost\s+1\s+160 B\s+possibly lost\s+1\s+32 B\s+still reachable\s+3\s+2\.00 MB/);
  assert.match(await table('Places that lost blocks'), /160 B\s+160 B\s+2\s+node\s+Graph::add\s+Graph::add\.cpp:10\s+32 B\s+1\s+<b>cache<\/b>/);
  assert.match(await table('Held by each root'), /global '<i>weights<\/i>'\s+2\s+2\.00 MB\s+the stack of the first thread\s+1\s+64 B/);
}));

test('without a heap graph there is no such section', () => on('leaking', async (page) => {
  assert.equal(await page.locator('#graph').count(), 0);
}));

test('light and dark follow the system until the reader chooses', () => on('leaking', async (page) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.emulateMedia({colorScheme: 'dark'});
  await page.waitForSelector('html[data-theme="dark"]');
  const dark = await background();
  assert.notEqual(dark, light);
  await page.click('#theme');
  assert.equal(await background(), light);
  await page.click('#theme');
  await page.emulateMedia({media: 'print'});
  await page.waitForSelector('html[data-theme="light"]');
  assert.equal(await background(), 'rgba(0, 0, 0, 0)');
  await page.emulateMedia({media: 'screen', colorScheme: 'light'});
}));

test('names of a hostile program are text', async () => {
  for (let seed = 0; seed < 4; ++seed) {
    await on(`hostile${seed}`, async (page) => {
      for (const id of ['peak', 'end', 'rate', 'blocks']) await page.click(`#flame-${id}`);
      if (await tableRows(page).count() > 0) await tableRows(page).first().click();
      await page.fill('#sites-search', '<script> ( [ \\');
      await page.fill('#flame-search', '( [ \\ *');
      await showsNamesAsText(page);
    });
  }
});

test('10,000 iterations of 5,000 call sites are drawn with few elements', () => on('large', async (page) => {
  assert.match(await text(page, '#sites h2'), /5,000/);
  assert.ok(await tableRows(page).count() < 60);
  assert.ok(await page.evaluate(() => document.querySelectorAll('*').length) < 15000);
  await page.locator('#sites .scroll').evaluate((scroll) => (scroll.scrollTop = 4000 * 24));
  await page.waitForSelector('#sites tr[data-index="4000"]');
  await page.fill('#sites-search', 'function_4999');
  await becomes(page, '#sites-words', /^1 of 5,000/);
  await page.fill('#range-from', '5000');
  await page.press('#range-from', 'Enter');
  await becomes(page, '#flame-words', /iteration 5,000 to 9,999/);
}));

test('it fits a narrow window', async () => {
  for (const name of ['leaking', 'family', 'graph']) {
    await on(name, async (page) => {
      await page.setViewportSize({width: 420, height: 900});
      await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, {timeout: 5000});
    });
  }
});

test('the accessibility checker finds nothing', async () => {
  for (const [name, scheme] of [['leaking', 'light'], ['family', 'dark'], ['graph', 'dark'], ['hostile1', 'light']]) {
    await on(name, async (page) => {
      await tableRows(page).first().click();
      await isAccessible(page, scheme);
    });
  }
});

test('everything is found by role and name, and reached by Tab', () => on('leaking', async (page) => {
  for (const name of ['Verdict', /^Memory/, /^Findings/, /^Flame graph/, /^Ledger/, /^Call sites/])
    assert.equal(await page.getByRole('main').getByRole('region', {name}).first().count(), 1, String(name));
  for (const name of ['live at peak', 'live at end', 'growth per iteration', 'allocation rate'])
    await page.getByRole('button', {name, exact: true}).first().click();
  await page.getByRole('spinbutton', {name: 'from iteration'}).fill('500');
  await page.getByRole('spinbutton', {name: 'to iteration'}).fill('700');
  await page.keyboard.press('Enter');
  await becomes(page, '#range', /^200 iterations/);
  await page.getByRole('button', {name: /^light \/ dark, now light/}).click();
  await page.getByRole('button', {name: /^light \/ dark, now dark/}).click();
  const reached = new Set();
  for (let i = 0; i < 60; ++i) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.closest('section')?.id));
  }
  for (const id of ['summary', 'curve', 'findings', 'flame', 'sites']) assert.ok(reached.has(id), id);
}));

test('Escape in an opened call site closes it, and leads back to its row', () => on('leaking', async (page) => {
  await tableRows(page).nth(1).click();
  await page.getByRole('button', {name: 'close'}).focus();
  await page.keyboard.press('Escape');
  assert.equal(await text(page, '#site-detail'), '');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), '1');
}));
