import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { slowFirst } from './support/slow-first.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Rooms whose tests run in `npm run test:unit`, except for files that need a server. */
const UNIT_ROOMS = ['core', 'lint', 'memory', 'msgpackr', 'near', 'nest', 'site', 'testing'];
const NEEDS_SERVER = /\binject\(|-server\.js'|describe-cases|cluster-connection|redis-cluster\b/;
/** The site of `npm run docs` in a real browser, after that command has built it. */
const SITE = ['test/site/built-site.test.ts'];
const UNIT = UNIT_ROOMS.flatMap((room) => testsIn(join('test', room))).filter(
  (file) => !SITE.includes(file) && !NEEDS_SERVER.test(readFileSync(join(root, file), 'utf8')),
);

/**
 * The tests of `npm run test:long`, beside those on ioredis 6. Some wait, for marks that are due after 25 seconds or for whole
 * seconds of HTTP, and some compute, so four run at a time.
 */
const LONG = [
  'test/simulation/{core-mutants,store-mutants,at-length}.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/http/behind-{nginx,varnish}.test.ts',
  'test/{typeorm,sequelize,mikro-orm,prisma,drizzle}/process-death.test.ts',
  'test/sample/demo-orm.test.ts',
];
/** Those of them that need the machine for themselves: minutes of many real processes, with bounds of time. */
const ALONE = ['test/chaos/{chaos,guarantees}.test.ts'];
/** Suites that `npm test` runs, on a Redis after a failover. */
const AFTER_FAILOVER = ['test/redis/after-failover.test.ts'];
const SMOKE = ['test/chaos/smoke.test.ts'];
/** The dashboard in a real browser. */
const BROWSER = ['test/dashboard/{browser,sample}.test.ts'];
/** Servers and processes that are killed, frozen, slow or scheduled, with bounds of time on what happens next. */
const TIMED = [
  'test/near/{cluster-app,outages,own-memory,two-servers}.test.ts',
  'test/redis/{change-feed,lost-leases,redis-connection,sentinel,store-outage}.test.ts',
  'test/bullmq/{fleet-gone,outage,worker-death}.test.ts',
  'test/cache-manager/failing-stores.test.ts',
  'test/deploy/{entry-formats,job-sets,neighbours,schedules}.test.ts',
  'test/schedule/bullmq.test.ts',
];
const ON_IOREDIS_6 = [
  'test/redis/{change-feed,redis-connection,redis-store,round-trips}.test.ts',
  'test/near/{near-store-contract,near-cluster}.test.ts',
  'test/cases/redis.test.ts',
];

/** Short files that take long, in this order. One of them that begins last ends long after all others. */
const SLOW = [
  'test/simulation/core-mutants.test.ts',
  'test/sample/demo-orm.test.ts',
  'test/simulation/store-mutants.test.ts',
  ...['drizzle', 'sequelize', 'typeorm', 'mikro-orm', 'prisma'].map((orm) => `test/${orm}/process-death.test.ts`),
  'test/simulation/at-length.test.ts',
  ...['mikro-orm', 'prisma', 'sequelize', 'typeorm', 'drizzle'].map((orm) => `test/${orm}/processes.test.ts`),
  'test/package/package.test.ts',
  'test/bullmq/refusals.test.ts',
];

/** The servers that tests share, started once for each project. */
const SERVERS = { globalSetup: 'test/support/global-setup.ts' };

export default defineConfig({
  root,
  // Without this, Vite's transformer refuses Nest's decorators.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    // The package's own name means its sources, so that unit tests need no build and coverage counts lib/.
    alias: [
      { find: /^nestjs-async-cache$/, replacement: `${root}lib/index.ts` },
      { find: /^nestjs-async-cache\/([a-z-]+)$/, replacement: `${root}lib/$1/index.ts` },
    ],
  },
  test: {
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    // A test that hangs fails late. One that a busy machine slows down does not fail.
    testTimeout: 60_000,
    sequence: { sequencer: slowFirst(SLOW) },
    // The first test that wants PostgreSQL may have to install it.
    hookTimeout: 240_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text', 'html'],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: UNIT,
          // As many as the project `servers`: Vitest wants the same number of projects that run together.
          maxWorkers: 3,
          // Half of the time went into loading Nest again for each file. No unit test replaces modules.
          isolate: false,
          typecheck: {
            enabled: true,
            include: ['test/**/*.test-d.ts'],
            // Of all tests, compiling those of types takes a fraction of the time.
            tsconfig: 'test/tsconfig.types.json',
            ignoreSourceErrors: true,
          },
        },
      },
      {
        extends: true,
        test: {
          ...SERVERS,
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [
            '**/node_modules/**',
            ...UNIT,
            ...LONG,
            ...ALONE,
            ...AFTER_FAILOVER,
            ...SMOKE,
            ...BROWSER,
            ...SITE,
            ...TIMED,
          ],
          // They wait for servers and processes half of the time.
          maxWorkers: 3,
        },
      },
      {
        extends: true,
        // The machine may be shared: what it disturbed is run again, and the bounds stay as they are. What must never
        // happen (an old value, a second fetch) is counted in tests that are not run again.
        // They wait more than they compute, so three run at a time, and not beside those that keep the machine busy.
        test: { ...SERVERS, name: 'timed', include: TIMED, maxWorkers: 3, retry: 2, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        // Dozens of real processes need the machine for themselves: after the other tests, one file after the other.
        test: { ...SERVERS, name: 'smoke', include: SMOKE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      {
        extends: true,
        test: { ...SERVERS, name: 'browser', include: BROWSER, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
      { extends: true, test: { name: 'site', include: SITE, maxWorkers: 1, sequence: { groupOrder: 5 } } },
      {
        // What `npm install ioredis` brings. The other tests have ioredis 5, the version that all our peers accept.
        extends: true,
        resolve: { alias: [{ find: /^ioredis$/, replacement: 'ioredis6' }] },
        test: { ...SERVERS, name: 'ioredis-6', include: ON_IOREDIS_6, maxWorkers: 3, sequence: { groupOrder: 3 } },
      },
      {
        extends: true,
        test: { ...SERVERS, name: 'failover', include: AFTER_FAILOVER, maxWorkers: 3, sequence: { groupOrder: 3 } },
      },
      {
        extends: true,
        test: { ...SERVERS, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 4 } },
      },
      {
        extends: true,
        test: { ...SERVERS, name: 'long', include: LONG, maxWorkers: 4, sequence: { groupOrder: 6 } },
      },
    ],
  },
});

function testsIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}
