import { describe } from 'vitest';
import { type CaseEnvironment, CaseWorld } from './case-world.js';
import { describeKnownFailures } from './known-failures.js';
import { describeSeedCases } from './seed-cases.js';

/** Gives each case its own world. */
export type InWorld = (run: (world: CaseWorld) => Promise<void>) => () => Promise<void>;

/** The cases that a refreshing cache must pass, in one environment. What holds embedded must hold on Redis. */
export function describeCases(name: string, environment: CaseEnvironment): void {
  const inWorld: InWorld = (run) => async () => {
    const world = new CaseWorld(environment);
    try {
      await run(world);
    } finally {
      await world.close();
    }
  };
  // In real time cases mostly wait, and their worlds share nothing, so they run at the same time.
  describe(name, { concurrent: environment.time === 'real' }, () => {
    describeSeedCases(environment, inWorld);
    describeKnownFailures(environment, inWorld);
  });
}
