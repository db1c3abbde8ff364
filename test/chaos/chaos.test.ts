import { describe, expect, it } from 'vitest';
import { check } from './checker/checks.js';
import { runChaos } from './run/chaos-run.js';
import { summaryOf } from './run/report.js';

// Two short runs that have every kind of fault between them. `npm run chaos -- --minutes 30` looks for rare effects.

const PATIENCE = 120_000;

describe('random faults on real processes', () => {
  it.each([
    ['without copies near the readers', 108],
    ['with copies near the readers', 17],
  ])(
    'break no promise, %s',
    async (_title, seed) => {
      const log = await runChaos({ seed, ms: 32_000 });
      const verdicts = check(log);
      console.log(JSON.stringify(summaryOf(log, seed, verdicts)));
      expect(log.faults.length).toBeGreaterThan(5);
      expect(verdicts.flatMap(({ check: what, violations }) => violations.map((each) => `${what}: ${each}`))).toEqual(
        [],
      );
      for (const { check: what, judged } of verdicts) expect(judged, what).toBeGreaterThan(0);
    },
    PATIENCE,
  );

  it(
    'are noticed to break one where the fence is taken away',
    async () => {
      const verdicts = check(await runChaos({ seed: 2, ms: 20_000, sabotage: 'no-fence' }));
      const broken = verdicts.filter(({ violations }) => violations.length > 0).map((verdict) => verdict.check);
      expect(broken).toContain('nothing old comes back');
    },
    PATIENCE,
  );
});
