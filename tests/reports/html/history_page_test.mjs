// The page of a history in a browser: history_page_test.mjs MODULES WRITER FOLDER (browser.mjs).
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {becomes, isAccessible, on, open, showsNamesAsText, text} from './browser.mjs';

open('history');
const program = (page, name) => page.getByRole('region', {name, exact: true});
const plot = (page, name) => program(page, 'leaky').getByRole('group', {name: `${name} of each run`});

test('which programs fail, and since which run, comes first', () => on('history', async (page) => {
  assert.match(await text(page, 'h1'), /^19 runs of 3 programs/);
  assert.match(await text(page, '#reason'), /^The last run does not pass: leaky/);
  assert.match(await program(page, 'leaky').locator('p.ended').innerText(),
    /^fail\s+14 runs, fail since run 10 \(commit9\); growth begins: 0 -> \+1,920 B per iteration in run 10 \(commit9\)/);
  assert.match(await program(page, 'steady').locator('p.ended').innerText(), /^pass\s+3 runs, all of them pass/);
}));

test('plots show peak, growth and speed of every run, and mark the run where it began', () => on('history', async (page) => {
  for (const name of ['growth per iteration', 'peak RSS', 'iterations per second', 'live at the end'])
    assert.equal(await plot(page, name).getByRole('button').count(), 14, name);
  assert.match(await plot(page, 'growth per iteration').innerText(), /▲ began in run 10 \(commit9\)/);
  await plot(page, 'growth per iteration').getByRole('button', {name: 'run 10 (commit9), fail, growth per iteration +1,920 B, where it began'}).waitFor();
  assert.equal(await plot(page, 'peak RSS').locator('text.begin').count(), 0);
}));

test('a click on a run shows its findings', () => on('history', async (page) => {
  await plot(page, 'peak RSS').getByRole('button', {name: /^run 10 /}).click();
  await becomes(page, '#runs-1-detail', /run 10 \(commit9\)[\s\S]*▲ Here growth begins[\s\S]*live memory grows by \+1,920 B[\s\S]*Findings \(2\)[\s\S]*leak in tag node: Graph::add[\s\S]*add\.cpp:10/);
  assert.equal(await page.locator('#runs-1 tr.opened td').first().innerText(), '10');
  await plot(page, 'growth per iteration').getByRole('button', {name: /^run 2 /}).click();
  await becomes(page, '#runs-1-detail', /run 2 \(commit1\)[\s\S]*Nothing grows that could be accused/);
  await page.getByRole('row', {name: /commit12/}).click();
  await becomes(page, '#runs-1-detail', /run 13 \(commit12\)/);
}));

test('the keyboard walks from run to run, and opens one', () => on('history', async (page) => {
  await plot(page, 'peak RSS').getByRole('button', {name: /^run 14 /}).focus();
  for (let i = 0; i < 4; ++i) await page.keyboard.press('ArrowLeft');
  assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^run 10 /);
  await page.keyboard.press('Enter');
  await becomes(page, '#runs-1-detail', /run 10 \(commit9\)/);
  await page.getByRole('row', {name: /commit9/}).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await becomes(page, '#runs-1-detail', /run 9 \(commit8\)/);
  await page.keyboard.press('Escape');
  assert.equal(await text(page, '#runs-1-detail'), '');
}));

test('runs are searched and sorted', () => on('history', async (page) => {
  const leaky = program(page, 'leaky');
  await leaky.getByLabel('Search runs of leaky').fill('Graph::add');
  await becomes(page, '#runs-1-words', /^5 of 14 runs/);
  await leaky.getByRole('button', {name: 'live at end'}).click();
  assert.equal(await leaky.locator('th[aria-sort]').count(), 1);
}));

test('one run, kept without findings, is a page, too', () => on('history-of-one', async (page) => {
  await page.locator('tr[data-index]').first().click();
  await becomes(page, '#runs-1-detail', /kept no findings/);
}));

test('names of a hostile program are text', () => on('history', async (page) => {
  await page.locator('#runs-2 tr[data-index], #runs-3 tr[data-index]').last().click();
  await showsNamesAsText(page);
  assert.match(await page.locator('h2').last().innerText(), /<\/script><b>hostile<\/b>/);
}));

test('a thousand runs are drawn with few elements', () => on('history-large', async (page) => {
  assert.ok(await page.locator('tr[data-index]').count() < 60);
  assert.ok(await page.evaluate(() => document.querySelectorAll('*').length) < 25000);
}));

test('it fits a narrow window, and the accessibility checker finds nothing', async () => {
  for (const scheme of ['light', 'dark']) {
    await on('history', async (page) => {
      await page.locator('#runs-1 tr[data-index]').last().click();
      await isAccessible(page, scheme);
      await page.setViewportSize({width: 420, height: 900});
      await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth, null, {timeout: 5000});
    });
  }
});
