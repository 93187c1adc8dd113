// Bundles src/ into page.html: one file without a request to anywhere. @LEAKHUNT_DATA@ is where a report's data goes.
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {build} from 'esbuild';

const result = await build({
  entryPoints: {page: 'src/main.ts', style: 'src/page.css'},
  bundle: true,
  minify: true,
  write: false,
  outdir: 'out',
  target: ['chrome100', 'firefox100', 'safari15.4'],
  charset: 'ascii',
  legalComments: 'none',
  loader: {'.css': 'css'},
  plugins: [{
    // The flame graph's package brings a style sheet of its own; ours replaces it.
    name: 'no foreign style',
    setup: (bundler) => bundler.onLoad({filter: /d3-flamegraph\.css$/}, () => ({contents: '', loader: 'css'})),
  }],
});

const output = (name) => result.outputFiles.find((file) => file.path.endsWith(name)).text.trim();
// Nothing in them may end the element they stand in, and reports hold no control characters but line ends.
const script = output('page.js').replaceAll('</script', '<\\/script').replaceAll('\t', '\\t');
const style = output('style.css').replaceAll('\t', ' ');
if (/[\x00-\x09\x0b-\x1f\x7f-\uffff]/.test(script + style)) throw new Error('the bundle is not printable ASCII');

// A browser runs this script and no other, and loads nothing.
const hash = createHash('sha256').update(script).digest('base64');
const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data:`;
const template = readFileSync('src/page.html', 'utf8');
const page = template
  .replace('@POLICY@', () => policy)
  .replace('@STYLE@', () => style)
  .replace('@SCRIPT@', () => script);
writeFileSync('page.html', page);
