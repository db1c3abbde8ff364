import { expect, it } from 'vitest';
import { runSchedules } from './run-schedules.js';
import { SCHEDULES, SCHEDULES_AT_LENGTH } from './schedules.js';

// The schedules after those of simulation.test.ts, so that the two together are SCHEDULES_AT_LENGTH.
it('keeps every invariant in the schedules that the short run leaves out', { timeout: 300_000 }, async () => {
  const { violation, done } = await runSchedules({ from: SCHEDULES, schedules: SCHEDULES_AT_LENGTH - SCHEDULES });
  expect(violation, `SIM_SEED=${violation?.seed} npm run simulate`).toBeUndefined();
  expect(done).toBe(SCHEDULES_AT_LENGTH - SCHEDULES);
});
