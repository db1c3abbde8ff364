// Builds the page of the dashboard into lib/dashboard/page-assets.js, which `nest build` copies into the package. A module,
// not files beside it: an application that is bundled, or run by jest, has no `import.meta.url` to find files by.
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const { outputFiles } = await build({
  entryPoints: { page: here('./main.tsx') },
  outdir: here('./'),
  write: false,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'inline',
  logLevel: 'warning',
});
const assets = Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text]));
assets['icon.svg'] = await readFile(here('./icon.svg'), 'utf8');
await writeFile(here('../page-assets.js'), `export const PAGE_ASSETS = ${JSON.stringify(assets)};\n`);
