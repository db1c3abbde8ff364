import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import budget from './budget.json' with { type: 'json' };

const COUNT = fileURLToPath(new URL('count.mjs', import.meta.url));
const FLAGS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** Milliseconds. Two seconds are enough on an idle machine. */
const PATIENCE = 240_000;

type Counts = Record<keyof typeof budget, { bytes: number; promises: number; clock: number }>;

async function count(...args: string[]): Promise<Counts> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, COUNT, ...args]);
  return JSON.parse(stdout) as Counts;
}

/** What an operation takes more than its budget in budget.json allows. */
function excessOf(counts: Counts): string[] {
  return (Object.keys(budget) as (keyof typeof budget)[]).flatMap((operation) =>
    (['bytes', 'promises', 'clock'] as const).flatMap((what) => {
      const [allowed, found] = [budget[operation][what], counts[operation][what]];
      return found > allowed ? [`${operation}: ${found} ${what}, allowed ${allowed}`] : [];
    }),
  );
}

// Counts and not times, so that they are the same on a busy machine. A smaller count is good news: lower the budget.
describe('what an operation costs in the process', () => {
  let counts: Counts;

  beforeAll(async () => {
    counts = await count();
  }, PATIENCE);

  it('is within the budget', () => {
    expect(excessOf(counts)).toEqual([]);
  });

  it(
    'is noticed where a read allocates more',
    async () => {
      const excess = excessOf(await count('--sabotage'));
      expect(excess).toContainEqual(expect.stringMatching(/^hit: \d+ bytes/));
      expect(excess).toContainEqual(expect.stringMatching(/^hit: \d+ promises/));
    },
    PATIENCE,
  );
});
