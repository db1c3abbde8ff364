import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** For `npm run simulate`: without the servers that other tests need. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/simulation/simulation.test.ts'],
    pool: 'forks',
    disableConsoleIntercept: true,
    testTimeout: 0,
  },
});
