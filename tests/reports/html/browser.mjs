// Pages in a browser: browser.mjs opens what html_samples wrote, and sees to it that nothing is requested and nothing goes
// wrong. Of a test: node TEST MODULES WRITER FOLDER, where WRITER fills FOLDER with pages.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {after, before} from 'node:test';

const [modules, writer, given] = process.argv.slice(2).map((path) => resolve(path));
export const folder = given;
const kBrowser = '/usr/bin/chromium';
const kFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
let browser;
let axe;

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}

// `kind` of pages html_samples writes.
export function open(kind) {
  if (!existsSync(kBrowser)) skip('chromium is not installed');
  const require = createRequire(join(modules, 'here.js'));
  if (!existsSync(join(modules, 'node_modules', 'playwright-core'))) skip("npm could not install the page's packages");
  const {chromium} = require('playwright-core');
  axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  rmSync(folder, {recursive: true, force: true});
  const written = spawnSync(writer, [folder, kind], {encoding: 'utf8'});
  assert.equal(written.status, 0, written.stderr);
  if (written.stdout.includes('without the page')) skip('built without the page');
  const profile = mkdtempSync(join(tmpdir(), 'leakhunt-page-'));
  before(async () => {
    browser = await chromium.launchPersistentContext(profile, {executablePath: kBrowser, args: kFlags, headless: true,
      viewport: {width: 1400, height: 1000}, colorScheme: 'light'});
  });
  after(async () => {
    await browser.close();
    rmSync(profile, {recursive: true, force: true, maxRetries: 5});
  });
}

// Opens the page, and checks afterwards that nothing was requested, and nothing went wrong, while `act` ran.
export async function on(name, act) {
  const page = await browser.newPage();
  const trouble = [];
  page.on('pageerror', (error) => trouble.push(String(error.stack)));
  page.on('console', (message) => trouble.push(`${message.type()}: ${message.text()}`));
  page.on('dialog', (dialog) => {
    trouble.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  const url = `file://${join(folder, name)}.html`;
  page.on('request', (request) => request.url() === url || trouble.push(`a request: ${request.url()}`));
  await page.goto(url);
  await page.waitForSelector('html[data-drawn]');
  await act(page);
  assert.deepEqual(trouble, []);
  await page.close();
}

export const text = (page, selector) => page.locator(selector).first().innerText();

// What the page shows follows in the next frames.
export async function becomes(page, selector, pattern) {
  for (let tries = 100; tries > 0; --tries) {
    if (pattern.test(await text(page, selector))) return;
    await page.waitForTimeout(20);
  }
  assert.match(await text(page, selector), pattern);
}

export const tableRows = (page) => page.locator('#sites tr[data-index]');

// Nothing that a program calls itself is markup, a control character, or wider than the page.
export async function showsNamesAsText(page) {
  const scripts = await page.evaluate(() => [...document.scripts].length + document.querySelectorAll('body b').length);
  assert.equal(scripts, 2, 'the data and the page');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
  const controls = await page.evaluate(() => /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
    .test(document.querySelector('main').innerText));
  assert.equal(controls, false);
}

export async function isAccessible(page, scheme) {
  await page.emulateMedia({colorScheme: scheme});
  await page.waitForSelector(`html[data-theme="${scheme}"]`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run());
  assert.deepEqual(found.violations.map((each) =>
    `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 150)).join(' | ')}`), []);
}
