import type { Cluster, ClusterOptions } from '../cluster/cluster.js';

/** One number of a guarantee: how it is measured, and how it is shown that the measurement can fail. */
export interface Scenario {
  /** `G1` to `G12`, of the list of guarantees. */
  readonly guarantee: string;
  readonly title: string;
  readonly limit: string;
  readonly cluster: ClusterOptions;
  /** How much: in a run of the tests, and by command. */
  readonly size: { readonly short: number; readonly long: number };
  measure(cluster: Cluster, size: number): Promise<Measured>;
  /** The same with one promise taken away. Undefined: it is only measured, not judged. */
  readonly control?: Control;
  /** Only by command: takes too long for the tests. */
  readonly onlyLong?: boolean;
  /** Others may be measured in the same cluster at the same time. */
  readonly meanwhile?: boolean;
}

export interface Control {
  /** What is taken away. */
  readonly without: string;
  readonly cluster?: Partial<ClusterOptions>;
  readonly size: number;
  readonly onlyLong?: boolean;
  /** *Default:* the scenario's. */
  readonly measure?: Scenario['measure'];
}

export interface Measured {
  /** How many times it could have failed. */
  readonly n: number;
  readonly number: string;
  /** Within the limit; for times, within a generous one, so that a busy machine is no failure. */
  readonly holds: boolean;
  /** Within the limit as written, where `holds` is generous. */
  readonly exact?: boolean;
}

/**
 * Eight processes on two cores may be late by themselves, and a reader who gives the store up fetches on his own: that is
 * measured where it is said, and nowhere else.
 */
export const PATIENT = '10s';

/** For what needs no crowd. One for many scenarios: processes are slow to start. */
export const FEW: ClusterOptions = {
  webs: 2,
  workers: 2,
  jobs: ['plain', 'tagged', 'quick'],
  near: false,
  storeTimeout: PATIENT,
};
/** The same made to do wrong. */
export const FEW_WRONG: ClusterOptions = { ...FEW, workers: 1 };

/** What the processes reported: the first place to look for why a number is not what it should be. */
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

/** A value of which everybody knows that it is old: stale at once, and of a version that the origin has left behind. */
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
