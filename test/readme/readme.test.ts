import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import type { Block } from './blocks.js';
import { Claims } from './given.js';
import { removeNames, runHarness } from './harness.js';
import { harnesses } from './harnesses.js';
import { brokenLinks, pages } from './pages.js';
import { Project } from './project.js';
import { toModule, withWrongClaim } from './snippet-module.js';

interface Manifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Files that another test runs: a suite of tests cannot run inside a test. */
const RUN_ELSEWHERE = ['my-store.spec.ts'];

/** Configuration of nginx is run by test/http/behind-nginx.test.ts. */
const CHECKED_LANGUAGES = ['ts', 'sh', 'nginx', ''];

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const all = pages();
const blocks = all.flatMap((page) => page.blocks);
const code = blocks.filter(({ language }) => language === 'ts');
const snippets = code.filter(({ kind }) => kind === 'snippet');
const harnessed = new Set([...Object.values(harnesses).flatMap(({ files }) => files), ...RUN_ELSEWHERE]);

let project: Project;
let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await startPostgres();
  process.env['DATABASE_URL'] = postgres.url;
  process.env['REDIS_URL'] = inject('redisUrl');
  // Another database of the same server, to see what goes where.
  process.env['CACHE_REDIS_URL'] = `${inject('redisUrl').replace(/\/\d*$/, '')}/1`;
  project = new Project(code);
});

afterAll(async () => {
  project.remove();
  await postgres.stop();
  await removeNames(project.prefix);
});

it('has a harness for each block, and no other', () => {
  const files = code.filter(({ kind }) => kind === 'file').map(({ id }) => id);
  expect(files.filter((id) => !harnessed.has(id))).toEqual([]);
  expect(snippets.filter(({ id }) => !(id in harnesses)).map(({ id }) => id)).toEqual([]);
  expect(Object.keys(harnesses).filter((id) => !code.some((block) => block.id === id))).toEqual([]);
  expect(new Set(code.map(({ id }) => id)).size).toBe(code.length);
});

it('has no block in a language that nothing checks', () => {
  const languages = new Set(blocks.map(({ language }) => language));
  expect([...languages].filter((language) => !CHECKED_LANGUAGES.includes(language))).toEqual([]);
  const undeclared = blocks.filter(
    ({ language, code: text }) => language === '' && /\b(import|await|const) /.test(text),
  );
  expect(undeclared.map(({ id, line }) => `${id}:${String(line)}`)).toEqual([]);
});

it('has a README of a few minutes', () => {
  expect(readFileSync('README.md', 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(250);
});

it('compiles', () => {
  expect(project.typeErrors()).toEqual([]);
}, 60_000);

it('and a block that does not compile is found', () => {
  const wrong = code.map((block) =>
    block.id === 'report.service.ts' ? edited(block, '@AsyncCached(60)', `@AsyncCached('60 parsecs')`) : block,
  );
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

  it('does what the page says', async () => {
    await runHarness(harness, project, snippet, new Claims());
  });

  // One wrong claim for each block, its last: the run before has counted that every claim is checked.
  it.runIf(claims > 0)('fails when a claim is wrong', async () => {
    const claimed = new Claims();
    await expect(runHarness(harness, project, withWrongClaim(snippet ?? '', claims - 1), claimed)).rejects.toThrow(
      /something else/,
    );
    expect(claimed.checked).toBe(claims);
  });
});

it('refuses a claim that nothing checks, and one that is not reached', async () => {
  expect(() => toModule('if (app) {\n  app.get(String); // → 1\n}', new Map())).toThrow(
    '1 claims are written, and 0 are checked',
  );
  const { run } = harnesses['testing#a-service-alone'] ?? {};
  const harness = { files: [], run: run ?? (async () => undefined) };
  const unreached = `if (process.pid > 0) throw new Error('before the claim');\nprocess.pid; // → 0`;
  await expect(runHarness(harness, project, unreached, new Claims())).rejects.toThrow('before the claim');
});

it('names commands that exist', () => {
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap((block) => block.code.split(/\n|&&/).map((command) => command.trim()));
  expect(commands.length).toBeGreaterThan(0);
  expect(commands.filter((command) => !exists(command))).toEqual([]);
  expect(exists('npm run nothing')).toBe(false);
});

it('links only to files and headings that exist', () => {
  const others = [
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'sample/README.md',
    ...readdirSync('docs/decisions').map((file) => join('docs/decisions', file)),
  ];
  const texts = [...all, ...others.map((path) => ({ path, text: readFileSync(path, 'utf8') }))];
  expect(texts.flatMap((page) => brokenLinks(page, read))).toEqual([]);
  const wrong = {
    path: 'docs/page.md',
    text: '[a](nowhere.md) [b](#no-heading) [c](reading.md#no-heading) [d](../README.md)',
  };
  expect(brokenLinks(wrong, read)).toEqual([
    'docs/page.md → nowhere.md',
    'docs/page.md → #no-heading',
    'docs/page.md → reading.md#no-heading',
  ]);
});

function read(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? '' : readFileSync(path, 'utf8');
}

function exists(command: string): boolean {
  const [program, verb = '', ...names] = command.split(' ');
  // Sets a variable for the commands below it.
  if (program === 'export') return true;
  if (program === 'npx') return verb in manifest.bin;
  if (program !== 'npm') return false;
  if (verb === 'ci') return true;
  if (verb === 'run' || verb === 'test') return (names[0] ?? verb) in manifest.scripts;
  return verb === 'install' && names.every((name) => name === manifest.name || name in manifest.peerDependencies);
}

function edited(block: Block, from: string, to: string): Block {
  expect(block.code).toContain(from);
  return { ...block, code: block.code.replace(from, to) };
}
