import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wrongLinks } from './check-links.mjs';
import { stagePages } from './stage-pages.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = join(here, 'pages');
const dist = join(here, '.vitepress/dist');

install();
stagePages(root, pages);
run('node_modules/typedoc/bin/typedoc', '--out', join(pages, 'api'));
run('node_modules/vitepress/bin/vitepress.js', 'build');
const wrong = wrongLinks(dist);
if (wrong.length > 0) {
  console.error(`Links that lead nowhere, or files from elsewhere:\n${wrong.join('\n')}`);
  process.exit(1);
}
console.log(`The site is in ${dist}: static files, for any web server.`);

/** What builds the site is installed here, so that `npm ci` of the package does not install it. */
function install() {
  const installed = join(here, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(here, 'package-lock.json')).mtimeMs) return;
  const { status } = spawnSync('npm', ['ci'], { cwd: here, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: here, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
