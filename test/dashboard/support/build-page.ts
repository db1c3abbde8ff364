import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const page = fileURLToPath(new URL('../../../lib/dashboard/page/', import.meta.url));
const built = fileURLToPath(new URL('../../../lib/dashboard/page-assets.js', import.meta.url));

/** `npm run build` makes the page. A test that runs without it makes what is missing or old. */
export function buildPage(): void {
  const sources = readdirSync(page).map((name) => statSync(`${page}${name}`).mtimeMs);
  const builtAt = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtAt < Math.max(...sources)) execFileSync(process.execPath, [`${page}build.mjs`], { stdio: 'inherit' });
}
