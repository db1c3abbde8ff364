import type { ChaosLog } from '../checker/chaos-log.js';
import type { Verdict } from '../checker/verdict.js';
import { percentile } from '../cluster/patience.js';

const SHOWN = 5;

/** What a run was and what it found, in one line. */
export function summaryOf(log: ChaosLog, seed: number, verdicts: readonly Verdict[]): object {
  const { reads, changes, fetches, faults, bounds } = log;
  const count = <One>(all: readonly One[], is: (one: One) => boolean): number => all.filter(is).length;
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort();
  return {
    seed,
    near: bounds.near,
    reads: reads.length,
    hits: count(reads, ({ status }) => status === 'hit'),
    stale: count(reads, ({ status }) => status === 'stale'),
    misses: count(reads, ({ status }) => status === 'miss'),
    failed: count(reads, ({ error }) => error !== undefined),
    p99: Math.round(
      percentile(
        reads.map(({ start, end }) => end - start),
        99,
      ),
    ),
    changes: changes.length,
    acknowledged: count(changes, ({ acknowledged }) => acknowledged),
    fetches: fetches.length,
    faults: Object.fromEntries(kinds.map((kind) => [kind, count(faults, (fault) => fault.kind === kind)])),
    violations: Object.fromEntries(verdicts.map(({ check, violations }) => [check, violations.length])),
  };
}

export function tableOf(verdicts: readonly Verdict[]): string {
  return [
    '| check | judged | excused by a fault | violations |',
    '|---|---|---|---|',
    ...verdicts.map(
      ({ check, judged, excused, violations }) => `| ${check} | ${judged} | ${excused} | ${violations.length} |`,
    ),
    ...verdicts.flatMap(({ check, violations }) => violations.slice(0, SHOWN).map((what) => `${check}: ${what}`)),
  ].join('\n');
}
