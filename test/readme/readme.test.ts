import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Block, blocksOf } from './blocks.js';
import { Claims } from './given.js';
import { harnesses, removeNames, runHarness } from './harnesses.js';
import { Project } from './project.js';
import { toModule, withWrongClaim } from './snippet-module.js';

interface Manifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const readme = readFileSync('README.md', 'utf8');
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const blocks = blocksOf(readme);
const code = blocks.filter(({ language }) => language === 'ts');
const snippets = code.filter(({ kind }) => kind === 'snippet');
const harnessed = new Set(Object.values(harnesses).flatMap(({ files }) => files));

let project: Project;

beforeAll(() => {
  process.env['REDIS_URL'] = inject('redisUrl');
  // Another database of the same server, to see what goes where.
  process.env['CACHE_REDIS_URL'] = `${inject('redisUrl').replace(/\/\d*$/, '')}/1`;
  project = new Project(code);
});

afterAll(async () => {
  project.remove();
  await removeNames(project.prefix);
});

it('has a harness for each block, and no other', () => {
  const files = code.filter(({ kind }) => kind === 'file').map(({ id }) => id);
  expect(files.filter((id) => !harnessed.has(id))).toEqual([]);
  expect(snippets.filter(({ id }) => !(id in harnesses)).map(({ id }) => id)).toEqual([]);
  expect(Object.keys(harnesses).filter((id) => !code.some((block) => block.id === id))).toEqual([]);
  expect(new Set(code.map(({ id }) => id)).size).toBe(code.length);
});

it('compiles', () => {
  expect(project.typeErrors()).toEqual([]);
}, 60_000);

it('and one that does not compile is seen', () => {
  const wrong = code.map((block) => (block.id === 'report.service.ts' ? edited(block, '@AsyncCached(60)', `@AsyncCached('60 parsecs')`) : block));
  const copy = new Project(wrong);
  try {
    expect(copy.typeErrors()).toEqual([expect.stringContaining('report.service.ts')]);
  } finally {
    copy.remove();
  }
}, 60_000);

describe.each(Object.entries(harnesses))('%s', (id, harness) => {
  const snippet = snippets.find((block) => block.id === id)?.code;
  const { claims } = toModule(snippet ?? '', new Map());

  it('does what the README says', async () => {
    await runHarness(harness, project, snippet, new Claims());
  });

  it.each(Array.from({ length: claims }, (_, index) => index))('would be found out if claim %i were wrong', async (wrong) => {
    const claimed = new Claims();
    await expect(runHarness(harness, project, withWrongClaim(snippet ?? '', wrong), claimed)).rejects.toThrow(/something else/);
    expect(claimed.checked).toBe(wrong + 1);
  });
});

it('refuses a claim that nothing checks, and one that is not reached', async () => {
  expect(() => toModule('if (app) {\n  app.get(String); // → 1\n}', new Map())).toThrow('1 claims are written, and 0 are checked');
  const { run } = harnesses['testing'] ?? {};
  const harness = { files: [], run: run ?? (async () => undefined) };
  const unreached = `if (process.pid > 0) throw new Error('before the claim');\nprocess.pid; // → 0`;
  await expect(runHarness(harness, project, unreached, new Claims())).rejects.toThrow('before the claim');
});

it('names commands that exist', () => {
  const commands = blocks.filter(({ language }) => language === 'sh').flatMap((block) => block.code.split(/\n|&&/).map((command) => command.trim()));
  expect(commands.length).toBeGreaterThan(0);
  expect(commands.filter((command) => !exists(command))).toEqual([]);
  expect(exists('npm run nothing')).toBe(false);
});

it('links to what is there', () => {
  const targets = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => `#${text.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')}`);
  expect(targets.filter((target) => !(target.startsWith('#') ? headings.includes(target) : existsSync(target)))).toEqual([]);
});

function exists(command: string): boolean {
  const [program, verb = '', ...names] = command.split(' ');
  if (program !== 'npm') return false;
  if (verb === 'ci') return true;
  if (verb === 'run' || verb === 'test') return (names[0] ?? verb) in manifest.scripts;
  return verb === 'install' && names.every((name) => name === manifest.name || name in manifest.peerDependencies);
}

function edited(block: Block, from: string, to: string): Block {
  expect(block.code).toContain(from);
  return { ...block, code: block.code.replace(from, to) };
}
