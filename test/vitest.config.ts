import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

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
    include: ['test/**/*.test.ts'],
    // Real processes by the dozen want the machine for themselves: `npm run test:chaos`.
    exclude: process.env.CHAOS === undefined ? ['test/chaos/*.test.ts', '**/node_modules/**'] : ['**/node_modules/**'],
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: 'test/tsconfig.json', ignoreSourceErrors: true },
    globalSetup: 'test/support/global-setup.ts',
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    coverage: {
      provider: 'v8',
      include: ['lib/**/*.ts'],
      reporter: ['text', 'json-summary'],
      thresholds: { lines: 95 },
    },
  },
});
