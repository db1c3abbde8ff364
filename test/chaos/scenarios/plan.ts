import { Cluster, type ClusterOptions } from '../cluster/cluster.js';
import type { Measured, Scenario } from './scenario.js';

/** One thing to measure: a scenario, or its control. */
export interface Measurement {
  readonly scenario: Scenario;
  readonly isControl: boolean;
  readonly size: number;
  readonly cluster: ClusterOptions;
}

/** Measurements in the same cluster. */
export interface Group {
  readonly cluster: ClusterOptions;
  readonly measurements: readonly Measurement[];
}

export interface PlanOptions {
  readonly size: 'short' | 'long';
  /** A factor for all sizes. *Default:* 1. */
  readonly scale?: number;
  /** *Default:* true. */
  readonly controls?: boolean;
  /** Only these guarantees. *Default:* all. */
  readonly guarantees?: readonly string[];
}

/** Groups all measurements into as few clusters as possible. */
export function plan(
  scenarios: readonly Scenario[],
  { size, scale = 1, controls = true, guarantees }: PlanOptions,
): Group[] {
  const chosen = scenarios.filter(
    ({ guarantee, onlyLong = false }) =>
      (size === 'long' || !onlyLong) && (guarantees === undefined || guarantees.includes(guarantee)),
  );
  const scaled = (own: number): number => Math.max(1, Math.round(own * scale));
  const measurements = chosen.flatMap((scenario): Measurement[] => {
    const { cluster, control } = scenario;
    const own = { scenario, isControl: false, size: scaled(scenario.size[size]), cluster };
    if (control === undefined || !controls || (size === 'short' && control.onlyLong === true)) return [own];
    const sabotaged = { ...cluster, ...control.cluster };
    return [own, { scenario, isControl: true, size: control.size, cluster: sabotaged }];
  });
  const groups = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const wanted = JSON.stringify(Object.entries(measurement.cluster).sort());
    groups.set(wanted, [...(groups.get(wanted) ?? []), measurement]);
  }
  return [...groups.values()].map((own) => ({ cluster: own[0]!.cluster, measurements: own }));
}

/** A group that is being measured. Measurements that may run beside others begin at once. */
export class GroupRun {
  readonly #early = new Map<Measurement, Promise<Measured>>();

  private constructor(private readonly cluster: Cluster) {}

  static async start({ cluster, measurements }: Group): Promise<GroupRun> {
    const run = new GroupRun(await Cluster.start(cluster));
    for (const measurement of measurements) {
      if (measurement.scenario.meanwhile !== true) continue;
      const early = run.#begin(measurement);
      early.catch(() => undefined);
      run.#early.set(measurement, early);
    }
    return run;
  }

  measure(measurement: Measurement): Promise<Measured> {
    return this.#early.get(measurement) ?? this.#begin(measurement);
  }

  stop(): Promise<void> {
    return this.cluster.stop();
  }

  #begin({ scenario: { measure, control }, isControl, size }: Measurement): Promise<Measured> {
    return ((isControl ? control?.measure : undefined) ?? measure)(this.cluster, size);
  }
}
