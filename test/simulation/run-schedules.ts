import type { Violation } from './violation.js';
import { World, type WorldOptions } from './world.js';

export interface Run {
  /** The first seed. */
  readonly from: number;
  readonly schedules: number;
  readonly world?: WorldOptions;
  onProgress?(done: number): void;
}

export interface Outcome {
  /** How many schedules ran. */
  readonly done: number;
  readonly violation: Violation | undefined;
}

/** Runs schedule after schedule until one of them violates an invariant. */
export async function runSchedules({ from, schedules, world, onProgress }: Run): Promise<Outcome> {
  for (let done = 0; done < schedules; done++) {
    onProgress?.(done);
    const violation = await new World(from + done, world).run();
    if (violation !== undefined) return { done: done + 1, violation };
  }
  return { done: schedules, violation: undefined };
}

/** Runs the same schedule again with its trace. */
export async function replay(seed: number, options: WorldOptions = {}): Promise<World> {
  const world = new World(seed, { ...options, traced: true });
  await world.run();
  return world;
}
