import type { ChaosLog, LoggedFault } from './chaos-log.js';

/** The result of one check. */
export interface Verdict {
  readonly check: string;
  /** How often the check could have found something. */
  readonly judged: number;
  /** How often a fault excused what the check saw. */
  readonly excused: number;
  readonly violations: readonly string[];
}

export class Findings {
  #judged = 0;
  #excused = 0;
  readonly #violations: string[] = [];

  /** `what` is called only when there is something to report. */
  judge(good: boolean, excuse: () => boolean, what: () => string): void {
    this.#judged++;
    if (good) return;
    if (excuse()) this.#excused++;
    else this.#violations.push(what());
  }

  verdict(check: string): Verdict {
    return { check, judged: this.#judged, excused: this.#excused, violations: this.#violations };
  }
}

/** Milliseconds for which the machine may do other work. */
export const SLACK = 750;
/**
 * Milliseconds that a process needs to notice that its Redis is back: the pause before it reconnects, and one open
 * circuit.
 */
export const RECOVERY = 2_500;

/** Whether a fault of these kinds, including the time to recover from it, overlaps a stretch of time. */
export function troubled(
  { faults }: ChaosLog,
  kinds: readonly LoggedFault['kind'][],
  from: number,
  to: number,
  process?: string,
): boolean {
  return faults.some(
    (fault) =>
      kinds.includes(fault.kind) &&
      (process === undefined || fault.process === process) &&
      fault.start - SLACK < to &&
      fault.end + RECOVERY > from,
  );
}

/**
 * Whether one of the processes may have been without the store. A process that was frozen meanwhile finds out when it
 * continues.
 */
export function withoutStore(log: ChaosLog, from: number, to: number, ...processes: string[]): boolean {
  const { faults } = log;
  if (troubled(log, ['store down'], from, to)) return true;
  return faults.some(
    ({ kind, process = '', start, end }) =>
      kind === 'frozen' &&
      processes.includes(process) &&
      troubled(log, ['store down'], start, end) &&
      start < to &&
      end + RECOVERY > from,
  );
}

/** For how many milliseconds of a stretch of time a process was frozen. */
export function frozenFor({ faults }: ChaosLog, process: string, from: number, to: number): number {
  return faults
    .filter((fault) => fault.kind === 'frozen' && fault.process === process)
    .reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0);
}

export function byKey<One extends { readonly key: string }>(all: readonly One[]): Map<string, One[]> {
  const groups = new Map<string, One[]>();
  for (const one of all) {
    const group = groups.get(one.key);
    if (group === undefined) groups.set(one.key, [one]);
    else group.push(one);
  }
  return groups;
}

export function at(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}
