import { ConfigurationError } from '../errors.js';

interface Written {
  duration: number | `${number}ms` | `${number}s` | `${number}m` | `${number}h` | `${number}d`;
}

/** A length of time: a number of **seconds**, or a string with its unit: `'500ms'`, `'30s'`, `'10m'`, `'1h'`, `'7d'`. */
// By way of a member, because the compiler then lists these forms where one is wrong, and not only the name of the type.
export type Duration = Written['duration'];

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const WRITTEN = /^(-?\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/** Ten years, in milliseconds. Stores keep nothing for longer, since every stored key has an expiry. */
export const LONGEST = 10 * 365 * 86_400_000;

/**
 * Milliseconds of a duration, at most {@link LONGEST}.
 * Throws a {@link ConfigurationError} that names `job` and `option` for anything that is not a duration.
 */
export function toMilliseconds(duration: unknown, option: string, job: string): number {
  const ms = parse(duration);
  if (ms === undefined) {
    throw new ConfigurationError(
      `${option} of ${job} is ${describe(duration)}, which is not a duration`,
      `Write a number of seconds (60) or a string with a unit: '500ms', '30s', '10m', '1h', '7d'`,
      { job },
    );
  }
  return Math.min(ms, LONGEST);
}

/** As {@link toMilliseconds}, and refuses negative durations. */
export function toPeriod(duration: unknown, option: string, job: string): number {
  const ms = toMilliseconds(duration, option, job);
  if (ms < 0) {
    throw new ConfigurationError(
      `${option} of ${job} is ${describe(duration)}, which is negative`,
      'Write zero or more',
      { job },
    );
  }
  return ms;
}

/** Milliseconds in words, as the start-up log shows them: `90000` is `1m 30s`. */
export function inWords(ms: number): string {
  if (ms >= LONGEST) return 'for ever';
  if (ms < 1_000) return `${String(ms)}ms`;
  const words: string[] = [];
  let rest = ms;
  for (const [unit, size] of [...UNITS].reverse()) {
    const count = Math.floor(rest / size);
    if (count > 0) words.push(`${String(count)}${unit}`);
    rest -= count * size;
  }
  return words.join(' ');
}

function parse(duration: unknown): number | undefined {
  if (typeof duration === 'number') return Number.isNaN(duration) ? undefined : duration * 1_000;
  if (typeof duration !== 'string') return undefined;
  const [, amount, unit] = WRITTEN.exec(duration) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Number(amount) * (UNITS.get(unit) ?? Number.NaN);
}

function describe(duration: unknown): string {
  return typeof duration === 'string' ? `'${duration}'` : String(duration);
}
