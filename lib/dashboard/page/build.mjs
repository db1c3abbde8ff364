// Builds the page of the dashboard into lib/dashboard/assets, from where `nest build` copies it into the package.
import { mkdir, copyFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

await mkdir(here('../assets/'), { recursive: true });
await build({
  entryPoints: { page: here('./main.tsx') },
  outdir: here('../assets/'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'inline',
  logLevel: 'warning',
});
await copyFile(here('./icon.svg'), here('../assets/icon.svg'));
