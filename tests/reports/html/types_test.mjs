// The page's sources have no type errors. types_test.mjs MODULES
import {cpSync, existsSync, mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {spawnSync} from 'node:child_process';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

const modules = join(resolve(process.argv[2]), 'node_modules');
const compiler = join(modules, 'typescript', 'bin', 'tsc');
if (!existsSync(compiler)) {
  console.log("skipped: npm could not install the page's packages while building");
  process.exit(0);
}
const page = join(dirname(fileURLToPath(import.meta.url)), '../../../reports/formats/html');
const folder = mkdtempSync(join(tmpdir(), 'leakhunt-types-'));
try {
  cpSync(join(page, 'src'), join(folder, 'src'), {recursive: true});
  cpSync(join(page, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  symlinkSync(modules, join(folder, 'node_modules'));
  const {status, stdout} = spawnSync(process.execPath, [compiler, '--project', folder], {encoding: 'utf8'});
  process.stdout.write(stdout);
  process.exitCode = status === 0 ? 0 : 1;
} finally {
  rmSync(folder, {recursive: true});
}
