import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { anchorOf, type Block, blocksOf } from './blocks.js';

/** A page for the package's users: the README, or one of docs/. */
export interface Page {
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function pages(): Page[] {
  const docs = readdirSync('docs').filter((file) => file.endsWith('.md'));
  return ['README.md', ...docs.map((file) => join('docs', file))].map((path) => {
    const text = readFileSync(path, 'utf8');
    return { path, text, blocks: blocksOf(text, basename(path, '.md').toLowerCase()) };
  });
}

/** Links to files or headings that do not exist, as `page → target`. `read` gives a file's text, undefined for none. */
export function brokenLinks(
  { path, text }: Pick<Page, 'path' | 'text'>,
  read: (path: string) => string | undefined,
): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? text : read(join(dirname(path), file));
      if (linked === undefined) return true;
      return anchor !== undefined && !anchorsOf(linked).has(anchor);
    })
    .map((target) => `${path} → ${target}`);
}

function anchorsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^#+ .*$/gm)].map(([heading]) => anchorOf(heading)));
}
