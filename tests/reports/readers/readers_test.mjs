// Our files in front of other people's viewers and schemas: readers_test.mjs READERS BROWSER WRITER FOLDER. READERS and
// BROWSER hold npm's packages; WRITER fills FOLDER.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {after, before, test} from 'node:test';

const [readers, drivers, writer, folder] = process.argv.slice(2).map((path) => resolve(path));
const kBrowser = '/usr/bin/chromium';
const kDhatViewer = '/usr/libexec/valgrind/dh_view.html';

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}
for (const packages of [readers, drivers]) {
  if (!existsSync(join(packages, 'installed'))) skip(`npm could not install the packages of ${packages}`);
}
if (!existsSync(kBrowser)) skip('chromium is not installed');
const require = createRequire(join(readers, 'here.js'));
const {chromium} = createRequire(join(drivers, 'here.js'))('playwright-core');
const Ajv = require('ajv');

const scratch = mkdtempSync(join(tmpdir(), 'leakhunt-readers-'));

// All samples, written in another environment and time zone; returns the folder.
function write(name, environment) {
  const into = join(folder, name);
  rmSync(into, {recursive: true, force: true});
  const {status, stderr} = spawnSync(writer, [into], {encoding: 'utf8', cwd: environment.cwd ?? '/', env: environment});
  assert.equal(status, 0, stderr);
  return into;
}
const samples = write('here', {PATH: process.env.PATH});
const truth = JSON.parse(readFileSync(join(samples, 'truth.json'), 'utf8'));
const kRuns = Object.keys(truth);
const fileOf = (run, name) => join(samples, run, name);
const read = (run, name) => readFileSync(fileOf(run, name), 'utf8');

let browser;
before(async () => {
  browser = await chromium.launchPersistentContext(join(scratch, 'profile'), {executablePath: kBrowser, headless: true,
    viewport: {width: 1400, height: 1000}, args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update', '--use-angle=swiftshader',
      '--enable-unsafe-swiftshader']});
});
after(async () => {
  await browser.close();
  rmSync(scratch, {recursive: true, force: true, maxRetries: 5});
});

// Opens the viewer at `url`; a script error fails, unless it is the one expected, and so does a dialog that a name opened.
async function viewing(url, act, expected = /^$/) {
  const page = await browser.newPage();
  const trouble = [];
  page.on('pageerror', (error) => trouble.push(String(error.stack)));
  page.on('dialog', (dialog) => {
    trouble.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(url);
  try {
    await act(page);
  } finally {
    await page.close();
  }
  assert.match(trouble.join('\n'), expected);
}

// --- the same bytes ------------------------------------------------------------------------------------------------

test('every format of every run is the same bytes in another folder, language, time zone and environment', () => {
  const other = write('there', {PATH: process.env.PATH, LANG: 'tr_TR.UTF-8', LC_ALL: 'de_DE.UTF-8', TZ: 'Asia/Kathmandu',
    HOME: '/nowhere', TERM: 'xterm-256color', COLUMNS: '40', CI: 'true', cwd: scratch});
  let files = 0;
  for (const run of kRuns) {
    for (const name of readdirSync(join(samples, run))) {
      assert.ok(readFileSync(fileOf(run, name)).equals(readFileSync(join(other, run, name))), `${run}/${name}`);
      ++files;
    }
  }
  assert.ok(files >= kRuns.length * 20, `${files} files`);
});

// --- schemas -------------------------------------------------------------------------------------------------------

function validator(...path) {
  const schema = JSON.parse(readFileSync(join(readers, 'node_modules', ...path), 'utf8'));
  const ajv = new Ajv({schemaId: 'auto', unknownFormats: 'ignore', allErrors: true});
  if (schema.$schema.includes('draft-04')) ajv.addMetaSchema(require('ajv/lib/refs/json-schema-draft-04.json'));
  return ajv.compile(schema);
}

test('SARIF keeps to its schema, which refuses what is none', () => {
  const valid = validator('@microsoft', 'jest-sarif', 'lib', 'schemas', 'sarif-2.1.0-rtm.5.json');
  for (const run of kRuns)
    assert.ok(valid(JSON.parse(read(run, 'report.sarif'))), `${run}: ${JSON.stringify(valid.errors, null, 1)}`);
  const breaks = {
    'a level that there is not': (log) => { log.runs[0].results[0].level = 'bad'; },
    'line 0': (log) => { log.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0; },
    'a property of its own': (log) => { log.runs[0].tool.driver.figures = 1; },
    'no message': (log) => { delete log.runs[0].results[0].message; },
  };
  for (const [what, breakIt] of Object.entries(breaks)) {
    const log = JSON.parse(read('training', 'report.sarif'));
    breakIt(log);
    assert.ok(!valid(log), what);
  }
});

test('speedscope files keep to the schema that speedscope ships', () => {
  const valid = validator('speedscope', 'dist', 'release', 'file-format-schema.json');
  for (const run of kRuns)
    assert.ok(valid(JSON.parse(read(run, 'heap.speedscope.json'))), `${run}: ${JSON.stringify(valid.errors)}`);
  const file = JSON.parse(read('training', 'heap.speedscope.json'));
  file.profiles[0].unit = 'blocks';
  assert.ok(!valid(file), 'a unit that there is not');
});

// --- viewers -------------------------------------------------------------------------------------------------------

// 1500000 -> "1.43 MB", as speedscope writes bytes.
function inSpeedscope(bytes) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  while (value >= 1024 && units.length > 1) {
    value /= 1024;
    units.shift();
  }
  return `${value.toFixed(2)} ${units[0]}`;
}

// Where speedscope opens the run's file: as its own command does it, through a script that hands the file over.
function inViewer(run) {
  const content = readFileSync(fileOf(run, 'heap.speedscope.json')).toString('base64');
  const script = join(scratch, `${run}.js`);
  writeFileSync(script, `speedscope.loadFileFromBase64('heap.speedscope.json', '${content}')`);
  return `file://${join(readers, 'node_modules/speedscope/dist/release/index.html')}#localProfilePath=${script}`;
}

test('speedscope shows the functions and what they hold', () => viewing(inViewer('training'), async (page) => {
  await page.getByText('Sandwich').click();
  const row = (name) => page.locator('tr', {hasText: name}).first();
  assert.match(await row('Arena::new_chunk').innerText(), new RegExp(`${inSpeedscope(1_000_000)}.*67%`, 's'));
  assert.match(await row('Adam::Adam').innerText(), new RegExp(`${inSpeedscope(500_000)}.*33%`, 's'));
  assert.match(await row('main').innerText(), new RegExp(inSpeedscope(truth.training.end_bytes), 's'));
  assert.match(await page.locator('body').innerText(), /live heap at the end.*\(1\/3\)/s);
}));

test('speedscope opens files with hostile names', async () => {
  for (const run of kRuns.filter((name) => name.startsWith('hostile'))) {
    await viewing(inViewer(run), async (page) => {
      await page.getByText('Sandwich').click();
      if (truth[run].end_bytes > 0) assert.ok(await page.locator('tr').count() > 1, run);
    });
  }
});

async function openInDhatViewer(page, file) {
  await page.setInputFiles('input[type=file]', file);
  await page.waitForFunction(() => !/Loading|to begin/.test(document.body.innerText));
  return page.locator('body').innerText();
}

const grouped = (number) => number.toLocaleString('en-US');

test("DHAT's viewer shows the run's totals", {skip: !existsSync(kDhatViewer) && 'valgrind is not installed'}, async () => {
  for (const run of kRuns) {
    await viewing(`file://${kDhatViewer}`, async (page) => {
      const shown = await openInDhatViewer(page, fileOf(run, 'dhat.out.json'));
      assert.match(shown, new RegExp(`Total: +${grouped(truth[run].allocated_bytes)} bytes`), run);
      assert.match(shown, new RegExp(`At t-gmax: +${grouped(truth[run].peak_bytes)} bytes`), run);
      assert.match(shown, new RegExp(`At t-end: +${grouped(truth[run].end_bytes)} bytes`), run);
    });
  }
  await viewing(`file://${kDhatViewer}`, async (page) => {
    assert.match(await openInDhatViewer(page, fileOf('training', 'dhat.out.json')),
      /Arena::new_chunk \(\/src\/app\/Arena::new_chunk.cpp:10\)/);
  });
  const older = JSON.parse(read('training', 'dhat.out.json'));
  older.dhatFileVersion = 1;
  writeFileSync(join(scratch, 'older.json'), JSON.stringify(older));
  await viewing(`file://${kDhatViewer}`, (page) => openInDhatViewer(page, join(scratch, 'older.json')),
    /version number 1, expected version number 2/);
});
