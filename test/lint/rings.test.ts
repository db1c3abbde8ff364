import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { architecture } from '../../eslint.architecture.mjs';

type Sources = Record<string, string>;

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-async-cache-lint-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('an import that points outward is an error', () => {
  it.each([
    ['core → nest', 'lib/core/read/read.ts', `import { x } from '../../nest/explorer.js';`],
    ['core → an adapter', 'lib/core/read/read.ts', `import { x } from '../../memory/store.js';`],
    ['core → the package root', 'lib/core/read/read.ts', `import { x } from '../../index.js';`],
    ['core → Nest', 'lib/core/read/read.ts', `import { Injectable } from '@nestjs/common';`],
    ['core → rxjs', 'lib/core/read/read.ts', `import { Observable } from 'rxjs';`],
    ['core → a dependency', 'lib/core/read/read.ts', `import { LRUCache } from 'lru-cache';`],
    ['core, in another room → nest', 'lib/core/job/key.ts', `import { x } from '../../nest/explorer.js';`],
    ['nest → an adapter', 'lib/nest/facade.ts', `import { x } from '../bullmq/queue.js';`],
    ['nest → BullMQ', 'lib/nest/facade.ts', `import { Queue } from 'bullmq';`],
    ['nest → the module', 'lib/nest/facade.ts', `import { x } from '../async-cache.module.js';`],
    ['an adapter → another adapter', 'lib/redis/store.ts', `import { x } from '../memory/store.js';`],
    ["an adapter → another adapter's package", 'lib/redis/store.ts', `import { Queue } from 'bullmq';`],
    ['an adapter → testing', 'lib/redis/store.ts', `import { x } from '../testing/clock.js';`],
    [
      'the near tier → an adapter other than memory',
      'lib/near/near-store.ts',
      `import { x } from '../redis/store.js';`,
    ],
    ['testing → an adapter other than memory', 'lib/testing/clock.ts', `import { x } from '../redis/store.js';`],
    ['the module → the index', 'lib/async-cache.module.ts', `import { x } from './index.js';`],
    ['the module → the sample', 'lib/async-cache.module.ts', `import { x } from '../sample/app.js';`],
    ['lib → its own name', 'lib/bullmq/queue.ts', `import { x } from 'nestjs-async-cache';`],
    ['sample → the sources', 'sample/app.ts', `import { x } from '../lib/index.js';`],
    ['sample → the sources, one folder down', 'sample/shop/app.ts', `import { x } from '../../lib/core/read/read.js';`],
    ['a type-only import', 'lib/core/read/read.ts', `import type { x } from '../../nest/explorer.js';`],
    ['a type-only import of a package', 'lib/core/read/read.ts', `import type { Type } from '@nestjs/common';`],
    ['an import type', 'lib/core/read/read.ts', `export type X = import('../../nest/explorer.js').x;`],
    ['a dynamic import', 'lib/core/read/read.ts', `export const x = await import('ioredis');`],
    ['a re-export', 'lib/core/read/read.ts', `export { x } from '../../nest/explorer.js';`],
    ['an import for its side effects', 'lib/core/read/read.ts', `import 'reflect-metadata';`],
    ['an import with require', 'lib/core/read/read.ts', `import ioredis = require('ioredis');`],
    ['a file beside the rings', 'lib/helpers.ts', `export const x = 1;`],
  ])('%s', async (_, file, source) => {
    expect(await problems({ [file]: source })).toEqual([`${file} architecture/rings`]);
  });
});

describe('an import that points inward passes', () => {
  it.each([
    ['core → core', 'lib/core/read/read.ts', `import { x } from '../decide.js';`],
    ['core → node', 'lib/core/read/read.ts', `import { createHash } from 'node:crypto';`],
    ['core, in a room → a floor below', 'lib/core/job/key.ts', `import { x } from '../decide.js';`],
    ['nest → core', 'lib/nest/facade.ts', `import { x } from '../core/read.js';`],
    [
      'nest → Nest and rxjs',
      'lib/nest/facade.ts',
      `import { Injectable } from '@nestjs/common'; import type { Observable } from 'rxjs';`,
    ],
    [
      'an adapter → core and nest',
      'lib/redis/store.ts',
      `import { x } from '../core/read.js'; import { y } from '../nest/facade.js';`,
    ],
    ['an adapter → its package', 'lib/redis/store.ts', `import { Redis } from 'ioredis';`],
    [
      "an adapter → Nest's module for its package",
      'lib/typeorm/job.ts',
      `import { x } from '@nestjs/typeorm'; import { y } from 'typeorm';`,
    ],
    ['the near tier → memory', 'lib/near/near-store.ts', `import { x } from '../memory/memory-store.js';`],
    ['testing → memory', 'lib/testing/clock.ts', `import { x } from '../memory/store.js';`],
    [
      'the module → adapters and packages',
      'lib/async-cache.module.ts',
      `import { x } from './redis/store.js'; import { Redis } from 'ioredis';`,
    ],
    ['the index → the module', 'lib/index.ts', `export { x } from './async-cache.module.js';`],
    [
      'sample → the package',
      'sample/shop/app.ts',
      `import { x } from 'nestjs-async-cache'; import { y } from '../origin.js';`,
    ],
    ['test → anything', 'test/core/read.test.ts', `import { x } from '../../lib/core/read/read.js';`],
  ])('%s', async (_, file, source) => {
    expect(await problems({ [file]: source })).toEqual([]);
  });
});

describe('an import that points upward in core is an error', () => {
  it.each([
    ['a room → the floor above', 'lib/core/fill/fill.ts', `import { x } from '../read/read.js';`],
    ['a room → a room beside it', 'lib/core/read/read.ts', `import { x } from '../refresh/refresh.js';`],
    ['a room → the calls of a job', 'lib/core/job/job-core.ts', `import type { x } from '../cached-job.js';`],
    ['the lowest floor → ports', 'lib/core/entry.ts', `import type { x } from './ports.js';`],
    ['a room that is not on the plan', 'lib/core/keys/key.ts', `export const x = 1;`],
    ['a file that is not on the plan', 'lib/core/helpers.ts', `export const x = 1;`],
  ])('%s', async (_, file, source) => {
    expect(await problems({ [file]: source })).toEqual([`${file} architecture/floors`]);
  });

  it('and the same downward passes', async () => {
    const read = `import { x } from '../fill/fill.js'; import { y } from '../decide.js'; import { z } from './serve.js';`;
    expect(await problems({ 'lib/core/read/read.ts': read })).toEqual([]);
  });
});

describe('a cycle is an error', () => {
  const ends = {
    'lib/core/job/a.ts': `import { b } from './b.js'; export const a = b;`,
    'lib/core/job/c.ts': `export const c = 1;`,
  };
  const bothEnds = ['lib/core/job/a.ts architecture/no-cycle', 'lib/core/job/b.ts architecture/no-cycle'];

  it.each([
    ['of values', `import { a } from './a.js'; export const b = a;`],
    ['of types only', `import type { a } from './a.js'; export type B = typeof a; export const b = 1;`],
    ['through an import type', `export const b: import('./a.js').A = 1;`],
    ['through a re-export', `export { a as b } from './a.js';`],
  ])('%s', async (_, b) => {
    expect(await problems({ ...ends, 'lib/core/job/b.ts': b })).toEqual(bothEnds);
  });

  it('of three files', async () => {
    const b = `export { c as b } from './c.js';`;
    const c = `import type { a } from './a.js'; export type C = typeof a;`;
    expect(await problems({ ...ends, 'lib/core/job/b.ts': b, 'lib/core/job/c.ts': c })).toEqual([
      ...bothEnds,
      'lib/core/job/c.ts architecture/no-cycle',
    ]);
  });

  it('and the same without the way back passes', async () => {
    expect(await problems({ ...ends, 'lib/core/job/b.ts': `export { c as b } from './c.js';` })).toEqual([]);
  });
});

describe("the project's own configuration", () => {
  it.each(['lib/core/read/read.ts', 'lib/redis/redis-store.ts', 'lib/index.ts', 'sample/demo.mjs'])(
    'makes the rules errors in %s',
    async (file) => {
      const rules = await rulesFor(file);
      expect(rules['architecture/rings']).toEqual([2]);
      expect(rules['architecture/floors']).toEqual([2]);
      expect(rules['architecture/no-cycle']).toEqual([2]);
    },
  );

  it.each(['utils', 'types', 'common'])('refuses a file named %s.ts', async (name) => {
    expect(JSON.stringify((await rulesFor(`lib/core/${name}.ts`))['no-restricted-syntax'])).toContain('"Program"');
    expect(JSON.stringify((await rulesFor('lib/core/read/read.ts'))['no-restricted-syntax'])).not.toContain(
      '"Program"',
    );
  });

  it('refuses export *', async () => {
    expect(JSON.stringify((await rulesFor('lib/index.ts'))['no-restricted-syntax'])).toContain('ExportAllDeclaration');
  });
});

async function problems(sources: Sources): Promise<string[]> {
  for (const [file, source] of Object.entries(sources)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), source);
  }
  const config: Linter.Config[] = [
    { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser }, ...architecture },
  ];
  const eslint = new ESLint({ cwd: folder, overrideConfigFile: true, overrideConfig: config });
  const results = await eslint.lintFiles(Object.keys(sources));
  const found = results.flatMap(({ filePath, messages }) =>
    messages.map((message) => `${filePath.slice(folder.length + 1)} ${message.ruleId ?? message.message}`),
  );
  return [...new Set(found)].sort();
}

async function rulesFor(file: string): Promise<Linter.RulesRecord> {
  const config = (await new ESLint().calculateConfigForFile(file)) as Linter.Config;
  return (config.rules ?? {}) as Linter.RulesRecord;
}
