import { afterAll, describe, expect, it } from 'vitest';
import { MutantCores } from './mutant-core.js';
import { MUTANTS } from './mutants.js';
import { runSchedules } from './run-schedules.js';
import { SCHEDULES_AT_LENGTH } from './schedules.js';

// A simulation that finds nothing proves little unless it finds planted defects. Each mutant must violate an invariant
// within the schedules that the core itself passes.

const cores = new MutantCores();
const deaths: string[] = [];

afterAll(async () => {
  console.log(deaths.join('\n'));
  await cores.remove();
});

describe('mutants of the core are found', () => {
  for (const { name, edits = [], sabotage, killedBy, from = 0 } of MUTANTS) {
    it(name, { timeout: 300_000 }, async () => {
      const core = await cores.load(edits);
      const { violation, done } = await runSchedules({
        from,
        schedules: SCHEDULES_AT_LENGTH,
        world: { core, ...(sabotage === undefined ? {} : { sabotage }) },
      });
      deaths.push(
        `${name}: ${violation === undefined ? 'lives' : `killed by ${violation.invariant}`} after ${done} schedules`,
      );
      expect(killedBy).toContain(violation?.invariant);
    });
  }
});
