import type { CacheProcess } from '../cluster/cache-process.js';
import type { Value } from '../cluster/origin.js';

export interface Reading {
  readonly value: Value;
  readonly status: 'hit' | 'stale' | 'miss';
  readonly age: number;
}

export interface Storm {
  readonly answered: number;
  readonly failed: number;
  readonly hit: number;
  readonly stale: number;
  readonly miss: number;
  /** The oldest and the newest version of each key that a reader got. */
  readonly versions: Readonly<Record<string, readonly [oldest: number, newest: number]>>;
}

export interface Load {
  readonly answered: number;
  readonly failed: number;
  readonly errors: readonly string[];
  /** How long each read took, in milliseconds. */
  readonly waits: readonly number[];
}

export const read = (process: CacheProcess, job: string, key: string): Promise<Reading> =>
  process.call('read', job, key);

/** Reads at every process at the same time. */
export function stormAll(
  processes: readonly CacheProcess[],
  job: string,
  keys: readonly string[],
  readers: number,
): Promise<Storm[]> {
  return Promise.all(processes.map((process) => process.call<Storm>('storm', job, keys, readers)));
}
