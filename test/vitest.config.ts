import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
const CHAOS = 'test/chaos/*.test.ts';
const ON_IOREDIS_6 = [
  'test/redis/{change-feed,redis-connection,redis-store,round-trips}.test.ts',
  'test/near/{near-store-contract,near-cluster}.test.ts',
  'test/cases/redis.test.ts',
];

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
    globalSetup: 'test/support/global-setup.ts',
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    testTimeout: 15_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [CHAOS, '**/node_modules/**'],
          maxWorkers: 2,
          typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'test/tsconfig.json', ignoreSourceErrors: true },
        },
      },
      {
        // What `npm install ioredis` brings; the other tests have the version that all of our peers can live with.
        extends: true,
        resolve: { alias: [{ find: /^ioredis$/, replacement: 'ioredis6' }] },
        test: { name: 'ioredis 6', include: ON_IOREDIS_6, maxWorkers: 2 },
      },
      {
        extends: true,
        // Real processes by the dozen want the machine for themselves: after the others, one file after the other.
        test: { name: 'chaos', include: [CHAOS], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
