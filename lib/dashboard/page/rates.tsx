import { COUNTED } from '../../nest/process-report.js';
import type { FleetTick } from '../fleet-tick.js';

type Counted = (typeof COUNTED)[number];

/** Events a second in one point of the charts, of one job or of all. */
export function rate({ jobs }: Pick<FleetTick, 'jobs'>, job: string, counted: Counted): number {
  const index = COUNTED.indexOf(counted);
  if (job !== '') return jobs[job]?.[index] ?? 0;
  return Object.values(jobs).reduce((sum, rates) => sum + (rates[index] ?? 0), 0);
}

export function reads(tick: Pick<FleetTick, 'jobs'>, job: string): number {
  return rate(tick, job, 'hits') + rate(tick, job, 'stale') + rate(tick, job, 'misses');
}

/** The share of reads that were served from the cache; undefined without reads. */
export function served(ticks: readonly FleetTick[], job: string): number | undefined {
  let all = 0;
  let missed = 0;
  for (const tick of ticks) {
    all += reads(tick, job);
    missed += rate(tick, job, 'misses');
  }
  return all === 0 ? undefined : 1 - missed / all;
}
