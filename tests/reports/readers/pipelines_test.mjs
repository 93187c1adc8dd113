// docs/ci, read by GitHub's own parser and by gitlab-ci-local, and run step by step on a clean clone of the sample project:
// pipelines_test.mjs READERS BROWSER ROOT LEAKHUNT FOLDER. ROOT is this checkout, LEAKHUNT its built command.
import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, resolve} from 'node:path';
import {before, test} from 'node:test';

const [readers, drivers, root, leakhunt, folder] = process.argv.slice(2).map((path) => resolve(path));

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(0);
}
for (const packages of [readers, drivers]) {
  if (!existsSync(join(packages, 'installed'))) skip(`npm could not install the packages of ${packages}`);
}
for (const program of ['git', 'cmake', 'ninja', 'ctest', 'bash']) {
  if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) skip(`${program} is not installed`);
}

const kGithub = readFileSync(join(root, 'docs/ci/github.yml'), 'utf8');
const kGitlab = readFileSync(join(root, 'docs/ci/gitlab.yml'), 'utf8');
const clean = {PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder, GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null', CMAKE_GENERATOR: 'Ninja'};

function run(command, {cwd = folder, env = clean} = {}) {
  const {status, stdout, stderr} = spawnSync('bash', ['-e', '-c', command], {cwd, env, encoding: 'utf8'});
  return {status, out: stdout, text: stdout + stderr};
}

function commit(directory) {
  const made = run('git init -q -b main . && git add -A && ' +
    'git -c user.name=nobody -c user.email=nobody@invalid commit -q -m all', {cwd: directory});
  assert.equal(made.status, 0, made.text);
}

// What the pipelines clone: the parts of leakhunt that a project sees. In place of a build of minutes, scripts/leakhunt
// shows the command that is built already.
function makeLeakhunt(directory) {
  for (const part of ['cmake', 'instrument/integrations', 'instrument/leakhunt.h', 'instrument/leakhunt.hpp'])
    cpSync(join(root, part), join(directory, part), {recursive: true});
  mkdirSync(join(directory, 'scripts'));
  writeFileSync(join(directory, 'scripts/leakhunt'), `#!/bin/sh -e
root=$(dirname "$(dirname "$(readlink -f "$0")")")
mkdir -p "$root/build/release"
ln -sfn '${dirname(leakhunt)}' "$root/build/release/bin"
exec '${leakhunt}' "$@"
`, {mode: 0o755});
  commit(directory);
}

let parser;
before(async () => {
  rmSync(folder, {recursive: true, force: true});
  mkdirSync(join(folder, 'bin'), {recursive: true});
  writeFileSync(join(folder, 'bin/apt-get'), '#!/bin/sh\nexit 0\n', {mode: 0o755});  // all of it is there
  makeLeakhunt(join(folder, 'leakhunt'));
  cpSync(join(root, 'tests/sample_project'), join(folder, 'sample'), {recursive: true});
  commit(join(folder, 'sample'));
  // The parser is made to be bundled: its own files import JSON as bundlers allow it.
  const bundle = join(folder, 'parser.cjs');
  await createRequire(join(drivers, 'here.js'))('esbuild').build({bundle: true, platform: 'node', format: 'cjs',
    outfile: bundle, logLevel: 'error', stdin: {resolveDir: readers,
      contents: "export {parseWorkflow, NoOperationTraceWriter, convertWorkflowTemplate} from '@actions/workflow-parser';"}});
  parser = createRequire(bundle)(bundle);
});

// --- GitHub --------------------------------------------------------------------------------------------------------

async function readWorkflow(content) {
  const {context, value} = parser.parseWorkflow({name: 'memory.yml', content}, new parser.NoOperationTraceWriter());
  const template = value && await parser.convertWorkflowTemplate(context, value);
  return {template: template && JSON.parse(JSON.stringify(template)), errors: context.errors.getErrors().map(String)};
}

test('GitHub reads its workflow, and would refuse a misspelt one', async () => {
  const {errors, template} = await readWorkflow(kGithub);
  assert.deepEqual(errors, []);
  assert.deepEqual(template.jobs.map((job) => job.id), ['memory']);
  for (const [from, to] of [['runs-on', 'runs_on'], ['run: ctest', 'rum: ctest'], ['security-events', 'security-event']])
    assert.notDeepEqual((await readWorkflow(kGithub.replace(from, to))).errors, [], to);
});

// Each step as a runner does it: a shell that ends at the first error, in the clone; what follows a failed step only with
// `if: always()`. Returns what each step said, by its name.
async function runWorkflow(name, environment) {
  const {template} = await readWorkflow(kGithub);
  const workspace = join(folder, name);
  const env = {...clean, ...environment, RUNNER_TEMP: join(folder, `${name}-temp`), GITHUB_STEP_SUMMARY: join(folder, `${name}.md`),
    LEAKHUNT_REPOSITORY: `file://${join(folder, 'leakhunt')}`};
  mkdirSync(env.RUNNER_TEMP);
  mkdirSync(workspace);
  const said = {};
  let failed = false;
  for (const step of template.jobs[0].steps) {
    if (failed && step.if.expr !== 'always()') continue;
    if (step.uses?.startsWith('actions/checkout')) {
      assert.equal(run(`git clone -q '${join(folder, 'sample')}' '${workspace}'`).status, 0);
    } else if (step.run) {
      said[step.name ?? step.id] = run(step.run, {cwd: workspace, env});
      failed ||= said[step.name ?? step.id].status !== 0;
    }
  }
  return {said, workspace, summary: existsSync(env.GITHUB_STEP_SUMMARY) ? readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8') : ''};
}

test('every step of the workflow passes for a healthy project, and leaves what the next actions upload', async () => {
  const {said, workspace, summary} = await runWorkflow('github-healthy', {});
  assert.deepEqual(Object.keys(said).filter((name) => !name.startsWith('_')), ['Build leakhunt', 'Build', 'Gate', 'Reports']);
  for (const [name, {status, text}] of Object.entries(said)) assert.equal(status, 0, `${name}: ${text}`);
  assert.match(summary, /^## PASS/m);
  assert.deepEqual(readdirSync(join(workspace, 'build/sarif')), ['memory.sample_tests.sarif']);
  assert.ok(existsSync(join(workspace, 'build/leakhunt/memory.sample_tests/report.html')));
});

test('a leak fails the gate of the workflow, and is annotated at its line', async () => {
  const {said, workspace, summary} = await runWorkflow('github-leaking', {SAMPLE_LEAKS: '1'});
  assert.notEqual(said.Gate.status, 0, said.Gate.text);
  assert.equal(said.Reports.status, 0, said.Reports.text);
  assert.match(said.Reports.out, /^::error file=cache_test\.cpp,line=\d+,title=leakhunt .*Cache::forget_one/m);
  assert.match(summary, /^## FAIL/m);
  const log = JSON.parse(readFileSync(join(workspace, 'build/sarif/memory.sample_tests.sarif'), 'utf8'));
  const places = log.runs[0].results.flatMap((result) => result.locations ?? []);
  assert.ok(places.some((place) => place.physicalLocation.artifactLocation.uri === 'cache_test.cpp'), JSON.stringify(places));
});

// --- GitLab --------------------------------------------------------------------------------------------------------

// gitlab-ci-local in a clone with this pipeline in it. Without an image it runs the job's script in a shell.
function gitlab(name, pipeline, words, environment = {}) {
  const workspace = join(folder, name);
  const cloned = run(`git clone -q '${join(folder, 'sample')}' '${workspace}'`);
  assert.equal(cloned.status, 0, cloned.text);
  writeFileSync(join(workspace, '.gitlab-ci.yml'), pipeline);
  const local = join(readers, 'node_modules/gitlab-ci-local/src/index.js');
  const done = run(`'${process.execPath}' '${local}' --home '${folder}' ${words}`, {cwd: workspace, env: {...clean, ...environment}});
  return {...done, workspace};
}

test('GitLab reads its template, and would refuse a misspelt one', () => {
  const good = gitlab('gitlab-list', kGitlab, '--list');
  assert.equal(good.status, 0, good.text);
  assert.match(good.out, /^memory /m);
  for (const [from, to] of [['junit:', 'junitt:'], ['before_script:', 'befor_script:'], ['when: always', 'when: alway']])
    assert.notEqual(gitlab(`gitlab-${to.split(':')[0]}`, kGitlab.replace(from, to), '--list').status, 0, to);
});

function runTemplate(name, environment) {
  assert.match(kGitlab, /^ {2}image: debian:12\n/m);
  const variables = {LEAKHUNT_REPOSITORY: `file://${join(folder, 'leakhunt')}`, LEAKHUNT_ROOT: join(folder, `${name}-leakhunt`),
    ...environment};
  const words = Object.entries(variables).map(([key, value]) => `--variable ${key}=${value}`).join(' ');
  return gitlab(name, kGitlab.replace('  image: debian:12\n', ''), `${words} memory`);
}

test('the job of the template passes for a healthy project and fails for a leak, with its reports', () => {
  const healthy = runTemplate('gitlab-healthy', {});
  assert.equal(healthy.status, 0, healthy.text);
  const reports = (workspace) => join(workspace, 'build/leakhunt/memory.sample_tests');
  assert.match(readFileSync(join(reports(healthy.workspace), 'junit.xml'), 'utf8'), /failures="0"/);
  assert.deepEqual(JSON.parse(readFileSync(join(reports(healthy.workspace), 'gitlab.json'), 'utf8')), []);
  const leaking = runTemplate('gitlab-leaking', {SAMPLE_LEAKS: '1'});
  assert.notEqual(leaking.status, 0, leaking.text);
  const issues = JSON.parse(readFileSync(join(reports(leaking.workspace), 'gitlab.json'), 'utf8'));
  assert.ok(issues.some((issue) => issue.location.path === 'cache_test.cpp' && issue.severity === 'critical'), JSON.stringify(issues));
});
