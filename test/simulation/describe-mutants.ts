import { afterAll, describe, expect, it } from 'vitest';
import { type Edit, MutantCores } from './mutant-core.js';
import { runSchedules } from './run-schedules.js';
import { SCHEDULES_AT_LENGTH } from './schedules.js';
import type { Invariant } from './violation.js';
import type { World } from './world.js';

/** Breaks one thing on which the guarantees rest. */
interface Mutant {
  readonly name: string;
  readonly edits?: readonly Edit[];
  /** Breaks something around the core in the simulation. */
  readonly sabotage?: (world: World) => void;
  /** The first schedule, for a mutant that needs a rare coincidence. *Default:* 0. */
  readonly from?: number;
  /** The invariants that may be violated by it. */
  readonly killedBy: readonly Invariant[];
}

/**
 * A simulation that finds nothing proves little unless it finds planted defects. Each mutant must violate an invariant
 * within the schedules that the core itself passes.
 */
export function describeMutants(whose: string, mutants: readonly Mutant[]): void {
  const cores = new MutantCores();
  const deaths: string[] = [];

  afterAll(async () => {
    console.log(deaths.join('\n'));
    await cores.remove();
  });

  describe(`mutants ${whose} are found`, () => {
    for (const { name, edits = [], sabotage, killedBy, from = 0 } of mutants) {
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
}
