import { inspect } from 'node:util';
import type { Duration, toPeriod } from './duration.js';
import { ConfigurationError } from '../errors.js';
import type { Arguments, Target } from './policy.js';

const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** A function of the user, to be called with the job or instance as `this`; undefined when none was given. */
export function calling(
  job: string,
  name: string,
  option: unknown,
): ((target: Target, args: Arguments) => unknown) | undefined {
  if (option === undefined) return undefined;
  if (typeof option !== 'function') throw wrong(job, name, option, 'a function');
  return (target, args) => Reflect.apply(option, target, args) as unknown;
}

/**
 * A checked copy of a list of tags that the user gave. A copy, because stores and readers share it. Half of a surrogate
 * pair, as in a title that was cut, becomes U+FFFD: it has no form in UTF-8, so no store could find it again.
 */
export function tagList(job: string, tags: unknown): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) {
    return Object.freeze(
      (tags as string[]).map((tag) => (LONE_SURROGATE.test(tag) ? tag.replace(LONE_SURROGATES, '\ufffd') : tag)),
    );
  }
  throw wrong(job, 'tags', tags, 'a list of non-empty strings');
}

export function countOf(job: string, option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  throw wrong(job, option, value, 'a whole number of 1 or more');
}

export function positive(convert: typeof toPeriod, duration: Duration, option: string, job: string): number {
  const ms = convert(duration, option, job);
  if (ms === 0) throw wrong(job, option, duration, 'longer than zero');
  return ms;
}

export function fraction(job: string, option: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw wrong(job, option, value, 'a fraction from 0 to 1');
}

/** The error for a wrong option. It names the job, the option and its value. */
export function wrong(job: string, option: string, value: unknown, expected: string): ConfigurationError {
  const shown = typeof value === 'string' ? value : inspect(value, { breakLength: Infinity });
  return new ConfigurationError(`${option} of ${job} is ${shown}`, `It must be ${expected}`, { job });
}
