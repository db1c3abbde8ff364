import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DOWNLOADS, sections } from './pages.mjs';
import { rewriteLinks } from './rewrite-links.mjs';

/** Pictures that pages show. */
const PICTURES = ['docs/images'];

/**
 * Copies the pages of the repository into `target`, with their links as the site has them, because VitePress takes pages
 * from one folder and some of them lie outside of docs/. Answers which file of the repository each page came from.
 */
export function stagePages(root, target) {
  rmSync(target, { recursive: true, force: true });
  const all = sections();
  const paths = new Map(all.flatMap(({ pages }) => pages.map(({ file, path }) => [file, path])));
  const { repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const links = {
    pathOf: (file) => paths.get(file) ?? (file === 'docs/decisions/' ? 'decisions/index.md' : undefined),
    isStatic: (file) => DOWNLOADS.includes(file) || PICTURES.some((folder) => file.startsWith(`${folder}/`)),
    repository: repositoryPage(repository),
  };
  for (const [file, path] of paths) {
    write(join(target, path), rewriteLinks(readFileSync(join(root, file), 'utf8'), { file, ...links }));
  }
  write(join(target, 'decisions/index.md'), listOfDecisions(all.find(({ text }) => text === 'Decisions').pages));
  for (const file of [...PICTURES, ...DOWNLOADS]) {
    cpSync(join(root, file), join(target, 'public', file), { recursive: true });
  }
}

function listOfDecisions(pages) {
  const lines = pages.map(({ path, title }) => `- [${title}](/${path})`);
  return [
    '# Decisions',
    '',
    'What looks odd and is deliberate: what, why, and what was rejected.',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** `repository` of package.json, as the address of a page. */
function repositoryPage(repository) {
  const url = typeof repository === 'string' ? repository : repository?.url;
  return url?.replace(/^git\+/, '').replace(/\.git$/, '');
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
