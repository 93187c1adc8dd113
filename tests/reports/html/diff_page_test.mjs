// The page of a difference in a browser: diff_page_test.mjs MODULES WRITER FOLDER (browser.mjs).
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {becomes, isAccessible, on, open, showsNamesAsText, tableRows, text} from './browser.mjs';

open('diff');
const frame = (page, name) => page.getByRole('button', {name: new RegExp(`^${name}, `)});

test('what grew, by how much and why comes first', () => on('difference', async (page) => {
  assert.equal(await text(page, '#verdict'), '▲ MORE');
  assert.match(await text(page, '#reason'), /^Live heap grew by 2\.14 MB, from 1\.62 MB to 3\.76 MB; of 5 call sites, 1 vanished, 2 grew, 1 shrank/);
  assert.match(await text(page, '#cause'), /^Most of it is Graph::add \(.*add\.cpp:10\) in tag node, which grew: 1\.60 MB of the 2\.60 MB that came in; its growth per iteration was 0 and is \+1,600 B\./);
  assert.match(await text(page, '#summary .figures'), /live heap\n1\.62 MB → 3\.76 MB \+2\.14 MB/);
  const order = await page.locator('main > *').evaluateAll((all) => all.map((each) => each.id || each.localName));
  assert.deepEqual(order, ['summary', 'curve', 'sites', 'flame', 'tags']);
}));

test('both curves are drawn, and the legend tells them apart without colour', () => on('difference', async (page) => {
  const curves = page.getByRole('img', {name: /heap before from 1\.62 MB at iteration 0 to 1\.62 MB at 999; heap after from/});
  await curves.waitFor();
  assert.equal(await page.locator('.legend .swatch.dashed').count(), 2);
  const pixels = () => page.locator('#curve canvas').evaluate((canvas) => canvas.toDataURL());
  const before = await pixels();
  await page.getByRole('checkbox', {name: 'heap before'}).uncheck();
  assert.notEqual(await pixels(), before);
  const plot = await page.locator('#curve .u-over').boundingBox();
  await page.mouse.move(plot.x + plot.width / 2, plot.y + 50);
  await becomes(page, '#curve .range-words', /^At iteration (499|500): heap \+1\.\d\d MB after\./);
}));

test('the table lists what differs, and is filtered, searched and sorted', () => on('difference', async (page) => {
  assert.equal(await tableRows(page).count(), 4, 'not what is the same');
  assert.match(await tableRows(page).first().innerText(), /▲ grew[\s\S]*\+1\.60 MB[\s\S]*Graph::add/);
  await page.getByRole('button', {name: /grew/}).first().click();
  await becomes(page, '#sites-words', /^2 of 5; live heap -460 kB/);
  await page.getByRole('button', {name: /^= same/}).click();
  await becomes(page, '#sites-words', /^3 of 5/);
  await page.getByRole('button', {name: /grew/}).first().click();
  await page.getByLabel('Search call sites').fill('vanished');
  await becomes(page, '#sites-words', /^1 of 5; live heap -300 kB/);
  await page.getByLabel('Search call sites').fill('');
  await becomes(page, '#sites-words', /^5 of 5/);
  await page.getByRole('button', {name: 'before', exact: true}).first().click();
  assert.match(await tableRows(page).first().innerText(), /Model::load/);
}));

test('a row opens with the keyboard, and says how the site was matched', () => on('difference', async (page) => {
  await tableRows(page).first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await becomes(page, '#site-detail', /Model::load[\s\S]*1\.00 MB\s+2\.00 MB\s+\+1\.00 MB[\s\S]*The same functions, files and lines/);
  await page.keyboard.press('Escape');
  assert.equal(await text(page, '#site-detail'), '');
}));

test('the flame graph has signs and hatching, and adds up', () => on('difference', async (page) => {
  await becomes(page, '#flame-words', /^\+2\.60 MB came, -460 kB went: \+2\.14 MB in all/);
  assert.match(await frame(page, 'everything').getAttribute('aria-label'), /\+2\.14 MB \(\+2\.60 MB and -460 kB\)/);
  assert.match(await frame(page, 'Graph::add').locator('.d3-flame-graph-label').innerText(), /^▲ Graph::add/);
  assert.match(await frame(page, 'Old::table').locator('.d3-flame-graph-label').innerText(), /^▼ Old::table/);
  const fill = (name) => frame(page, name).locator('rect').getAttribute('fill');
  assert.match(await fill('Old::table'), /url\(["']?#less-5/);
  assert.match(await fill('Graph::add'), /^(hsl|rgb)/);
  await page.getByRole('button', {name: 'growth per iteration'}).click();
  await becomes(page, '#flame-words', /^\+1,920 B\/iteration came, nothing went/);
  await page.locator('#flame-before').click();
  await becomes(page, '#flame-words', /^Nothing grows before\./);
  await page.locator('#flame-live').click();
  await becomes(page, '#flame-words', /^1\.62 MB before; \+2\.14 MB in all/);
  assert.match(await frame(page, 'Old::table').getAttribute('aria-label'), /-300 kB; 300 kB before/);
}));

test('the flame graph leads to its call sites', () => on('difference', async (page) => {
  await frame(page, 'tag heap').focus();
  await page.getByRole('button', {name: 'its call sites'}).click();
  await becomes(page, '#sites-words', /^1 of 5 below tag heap/);
}));

test('tags add up to the heap', () => on('difference', async (page) => {
  const table = page.locator('#tags table');
  assert.match(await table.innerText(), /node\s+▲ grew\s+1,600 B\s+1\.60 MB\s+\+1\.60 MB/);
  assert.match(await table.locator('tfoot').innerText(), /all of the heap\s+▲ grew\s+1\.62 MB\s+3\.76 MB\s+\+2\.14 MB/);
}));

test('two moments of one run are one curve with two marks', () => on('moments', async (page) => {
  assert.match(await text(page, '#reason'), /^Live heap grew by 1\.44 MB.*\(\+1,800 B per iteration over 799\)/);
  assert.equal(await page.locator('.legend tr').count(), 2);
}));

test('nothing different, and nothing at all, are pages too', async () => {
  await on('same', async (page) => {
    assert.equal(await text(page, '#verdict'), '= SAME');
    assert.match(await text(page, '#reason'), /^Live heap is the same/);
    assert.match(await text(page, '#flame-words'), /^Nothing/);
  });
  await on('diff-empty', async (page) => assert.match(await text(page, '#curve'), /there is no curve/));
});

test('names of a hostile program are text', async () => {
  for (let seed = 0; seed < 3; ++seed) {
    await on(`diff-hostile${seed}`, async (page) => {
      for (const id of ['peak', 'allocated', 'before', 'after', 'blocks']) await page.click(`#flame-${id}`);
      if (await tableRows(page).count() > 0) await tableRows(page).first().click();
      await page.fill('#flame-search', '( [ \\ *');
      await showsNamesAsText(page);
    });
  }
});

test('5,000 call sites are drawn with few elements', () => on('diff-large', async (page) => {
  assert.match(await text(page, '#sites h2'), /5,000/);
  assert.ok(await tableRows(page).count() < 60);
  assert.ok(await page.evaluate(() => document.querySelectorAll('*').length) < 15000);
  await page.getByLabel('Search call sites').fill('function_4998');
  await becomes(page, '#sites-words', /^1 of 5,000/);
}));

test('it fits a narrow window', () => on('difference', async (page) => {
  await page.setViewportSize({width: 420, height: 900});
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, {timeout: 5000});
}));

test('the accessibility checker finds nothing', async () => {
  for (const [name, scheme] of [['difference', 'light'], ['difference', 'dark'], ['diff-hostile1', 'light']]) {
    await on(name, async (page) => {
      await tableRows(page).first().click();
      await isAccessible(page, scheme);
    });
  }
});
