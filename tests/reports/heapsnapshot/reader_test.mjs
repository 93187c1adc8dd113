// The heap snapshot in its real reader: reader_test.mjs MODULES WRITER FOLDER. What Chromium's DevTools make of the file,
// by their own code (devtools://devtools/bundled), is what we say: blocks, pointers, names, retained sizes.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {after, before, test} from 'node:test';

const [modules, writer, folder] = process.argv.slice(2).map((path) => resolve(path));
const kBrowser = '/usr/bin/chromium';
const kFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const kReader = 'devtools://devtools/bundled/entrypoints/heap_snapshot_worker/heap_snapshot_worker.js';
const kFirstBlock = 8;  // behind the root and its groups
const kLostGroup = 6;

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}
if (!existsSync(kBrowser)) skip('chromium is not installed');
const require = createRequire(join(modules, 'here.js'));
if (!existsSync(join(modules, 'node_modules', 'playwright-core'))) skip("npm could not install the page's packages");
const {chromium} = require('playwright-core');
rmSync(folder, {recursive: true, force: true});
const written = spawnSync(writer, [folder], {encoding: 'utf8'});
assert.equal(written.status, 0, written.stderr);
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));

// In the browser: the loader that the Memory panel's worker has, and all nodes of what it built.
async function read([reader, text]) {
  const {HeapSnapshotLoader, HeapSnapshot} = await import(reader);
  const loader = new HeapSnapshotLoader.HeapSnapshotLoader({sendEvent() {}});
  loader.write(text);
  loader.close();
  const {port1, port2} = new MessageChannel();
  new HeapSnapshot.SecondaryInitManager(port2);
  const snapshot = await loader.buildSnapshot(port1);
  const nodes = [];
  for (const all = snapshot.allNodes(); all.hasNext(); all.next()) {
    const node = all.item();
    const to = [];
    for (const edges = node.edges(); edges.hasNext(); edges.next()) to.push(edges.item().node().ordinal());
    nodes.push({name: node.name(), size: node.selfSize(), retained: node.retainedSize(), distance: node.distance(), to});
  }
  return {nodes, total: snapshot.totalSize};
}

let browser;
let snapshot;
const profile = mkdtempSync(join(tmpdir(), 'leakhunt-snapshot-'));
before(async () => {
  browser = await chromium.launchPersistentContext(profile, {executablePath: kBrowser, args: kFlags, headless: true});
  const page = await browser.newPage();
  await page.goto(kReader);
  snapshot = await page.evaluate(read, [kReader, readFileSync(join(folder, 'sample.heapsnapshot'), 'utf8')]);
});
after(async () => {
  await browser.close();
  rmSync(profile, {recursive: true, force: true, maxRetries: 5});
});

const blocks = () => snapshot.nodes.slice(kFirstBlock);

test('it has all blocks, with their sizes and names', () => {
  assert.equal(blocks().length, expected.blocks.length);
  assert.deepEqual(blocks().map((node) => node.size), expected.blocks.map((block) => block.size));
  const names = ['arena.chunk/Arena::new_chunk', 'heap/ns::Table<"quoted">::insert', 'tape.node/(anonymous namespace)::push'];
  assert.deepEqual(blocks().map((node) => node.name), expected.blocks.map((block) => names[block.site]));
  assert.equal(snapshot.total, expected.blocks.reduce((sum, block) => sum + block.size, 0));
});

test('it has all pointers, and beside them those that hang the groups and the lost blocks on the root', () => {
  const groups = snapshot.nodes[0].to.length;
  const lost = snapshot.nodes[kLostGroup].to.length;
  assert.ok(lost > 0);
  assert.equal(groups, kFirstBlock - 1);
  const edges = snapshot.nodes.reduce((sum, node) => sum + node.to.length, 0);
  assert.equal(edges, expected.edges + groups + lost);
});

test('it finds the retained sizes that we find', () => {
  const held = expected.blocks.map((block, i) => ({...block, i})).filter((block) => block.retained > 0);
  assert.ok(held.length > 100);
  assert.ok(held.some((block) => block.retained > block.size));
  for (const block of held) assert.equal(blocks()[block.i].retained, block.retained, `block ${block.i}`);
});

test('everything hangs on the root', () => {
  const reached = new Set([0]);
  for (const at of reached) for (const to of snapshot.nodes[at].to) reached.add(to);
  assert.equal(reached.size, snapshot.nodes.length);
  assert.equal(snapshot.nodes[0].retained, snapshot.total);
});
