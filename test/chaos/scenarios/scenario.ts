import type { Cluster, ClusterOptions } from '../cluster/cluster.js';

/** One number of a guarantee: how it is measured, and how it is shown that the measurement can fail. */
export interface Scenario {
  /** The guarantee's number, `G1` to `G17`. */
  readonly guarantee: string;
  readonly title: string;
  readonly limit: string;
  readonly cluster: ClusterOptions;
  /** How many samples: in a run of the tests, and by command. */
  readonly size: { readonly short: number; readonly long: number };
  measure(cluster: Cluster, size: number): Promise<Measured>;
  /** The same measurement with one guard removed. Undefined when it is only measured and not judged. */
  readonly control?: Control;
  /** Only by command, because it takes too long for the tests. */
  readonly onlyLong?: boolean;
  /** Others may be measured in the same cluster meanwhile. */
  readonly meanwhile?: boolean;
}

export interface Control {
  /** The guard that is removed. */
  readonly without: string;
  readonly cluster?: Partial<ClusterOptions>;
  readonly size: number;
  readonly onlyLong?: boolean;
  /** *Default:* the scenario's. */
  readonly measure?: Scenario['measure'];
}

export interface Measured {
  /** How often it could have failed. */
  readonly n: number;
  readonly number: string;
  /** Whether it is within the limit. For times the limit is generous, so that a busy machine is not a failure. */
  readonly holds: boolean;
  /** Whether it is within the limit as written, where `holds` is generous. */
  readonly exact?: boolean;
}

/**
 * Eight processes on two cores may be late by themselves, and a reader that gives up the store fetches by itself. Only
 * the scenarios about that use a short deadline.
 */
export const PATIENT = '10s';

/** For scenarios that need few processes. Many share one cluster, since processes are slow to start. */
export const FEW: ClusterOptions = {
  webs: 2,
  workers: 2,
  jobs: ['plain', 'tagged', 'quick'],
  near: false,
  storeTimeout: PATIENT,
};
/** The same cluster for controls. */
export const FEW_WRONG: ClusterOptions = { ...FEW, workers: 1 };

/** The failures that the processes reported: the first place to look for the reason of an unexpected number. */
export async function complaints({ all }: Cluster): Promise<string> {
  const told = await Promise.all(all.map((process) => process.call<Record<string, number>>('failures')));
  const counts = new Map<string, number>();
  for (const [what, count] of told.flatMap(Object.entries<number>)) counts.set(what, (counts.get(what) ?? 0) + count);
  return [...counts].map(([what, count]) => `${count} × ${what}`).join('; ');
}

let keys = 0;

/** Keys that nobody has used. */
export function newKeys(count: number): string[] {
  return Array.from({ length: count }, () => `key-${++keys}`);
}

/** Stores a value that is known to be old: stale at once, and of an earlier version of the origin. */
export async function makeStale(cluster: Cluster, job: string, keys: readonly string[]): Promise<void> {
  const [by] = cluster.all;
  if (by === undefined) throw new Error('There is no process');
  await Promise.all(
    keys.map(async (key) => {
      await by.call('set', job, key, cluster.origin.valueOf(key), '1ms');
      cluster.origin.write(key);
    }),
  );
}
