import type { Staleness } from '../decide.js';
import { type Duration, inWords, toMilliseconds, toPeriod } from './duration.js';
import { ConfigurationError } from '../errors.js';
import { type Backoff, type JobOptions, OPTION_NAMES } from './job-options.js';
import { calling, countOf, fraction, positive, tagList, wrong } from './option-checks.js';
import { type Arguments, type JobPolicy, LONGEST_LEASE, type Target } from './policy.js';
import type { Awaitable, RefreshQueueOptions, Timing } from '../ports.js';

const DEFAULTS = {
  ttl: 600,
  grace: '1d',
  refreshTimeout: 60,
  backoff: { initial: 1, factor: 2, max: '5m' },
} as const;

/** Checks the options of one job. Throws a {@link ConfigurationError} that names the job, the option and its value. */
export function compilePolicy(job: string, options: JobOptions): JobPolicy {
  refuseUnknown(job, options);
  const refreshTimeout = positive(toPeriod, options.refreshTimeout ?? DEFAULTS.refreshTimeout, 'refreshTimeout', job);
  const fetchTimeout =
    options.fetchTimeout === undefined ? refreshTimeout : positive(toPeriod, options.fetchTimeout, 'fetchTimeout', job);
  const ttl = options.ttl ?? DEFAULTS.ttl;
  const grace = options.grace ?? DEFAULTS.grace;
  const tags = tagsOf(job, options.tags);
  return {
    ttl: varying(ttl, (duration) => toPeriod(duration, 'ttl', job)),
    grace: varying(grace, (duration) => Math.max(0, toMilliseconds(duration, 'grace', job))),
    fetchOnMiss: deciding(job, 'fetchOnMiss', options.fetchOnMiss ?? true),
    empty: calling(job, 'empty', options.empty) ?? (() => null),
    staleness: stalenessOf(job, options),
    refreshTimeout,
    lease: Math.min(LONGEST_LEASE, refreshTimeout),
    fetchTimeout,
    backoff: backoffOf(job, options.backoff ?? {}),
    onError: errorDecisionOf(job, options.onError),
    jitter: fraction(job, 'jitter', options.jitter ?? 0),
    key: calling(job, 'key', options.key),
    prepareArgs: calling(job, 'prepareArgs', options.prepareArgs) as JobPolicy['prepareArgs'],
    version: options.version === undefined ? undefined : String(options.version),
    tags,
    cacheIf: predicateOf(job, options.cacheIf),
    processResult: processResultOf(job, options.processResult),
    batchSize: countOf(job, 'batchSize', options.batchSize ?? 100),
    queue: queueOf(job, options.queue ?? {}),
    refreshEvery: refreshEveryOf(job, options.refreshEvery),
    warmOnStart:
      options.warmOnStart === undefined ? undefined : argumentListsOf(job, 'warmOnStart', options.warmOnStart),
    store: options.store,
    readOnly: booleanOf(job, 'readOnly', options.readOnly ?? true),
    nested: booleanOf(job, 'nested', options.nested ?? true),
    context: booleanOf(job, 'context', options.context ?? true),
    types: typesOf(job, options.types ?? []),
    summary: summaryOf(job, ttl, grace, refreshTimeout),
  };
}

/** The times in words, so that a duration meant as milliseconds is noticed in the start-up log. */
function summaryOf(job: string, ttl: unknown, grace: unknown, refreshTimeout: number): string {
  const written = (option: string, value: unknown): string =>
    typeof value === 'function' ? 'as computed' : inWords(Math.max(0, toMilliseconds(value, option, job)));
  const stale = grace === 0 ? 'never served stale' : `served stale for ${written('grace', grace)} more`;
  return `fresh for ${written('ttl', ttl)}, ${stale}, refreshed within ${inWords(refreshTimeout)}`;
}

function refuseUnknown(job: string, options: JobOptions): void {
  for (const name of Object.keys(options)) {
    if (!(OPTION_NAMES as readonly string[]).includes(name)) {
      throw new ConfigurationError(
        `${job} has an option '${name}', which does not exist`,
        `The options are: ${OPTION_NAMES.join(', ')}`,
        { job },
      );
    }
  }
}

/** A constant is checked and converted once, at start-up; the result of a function at each call. */
function varying(
  option: unknown,
  convert: (duration: unknown) => number,
): (target: Target, value: unknown, args: Arguments) => number {
  if (typeof option === 'function') {
    return (target, value, args) => convert(Reflect.apply(option, target, [value, ...args]));
  }
  const constant = convert(option);
  return () => constant;
}

function deciding(
  job: string,
  name: string,
  option: boolean | ((...args: never[]) => boolean),
): (target: Target, args: Arguments) => boolean {
  if (typeof option === 'boolean') return () => option;
  const decide = calling(job, name, option);
  return (target, args) => Boolean(decide?.(target, args));
}

function stalenessOf(job: string, options: JobOptions): JobPolicy['staleness'] {
  const refreshAhead = options.refreshAhead === undefined ? 1 : fraction(job, 'refreshAhead', options.refreshAhead);
  const threshold = options.fetchOnStaleThreshold;
  const convert = (duration: unknown): number => toMilliseconds(duration, 'fetchOnStaleThreshold', job);
  if (typeof threshold === 'function') {
    return (target, args) => {
      const duration = Reflect.apply(threshold, target, args) as Duration | undefined;
      return {
        refreshAhead,
        fetchOnStaleThreshold: duration === undefined ? Infinity : convert(duration),
      };
    };
  }
  const constant: Staleness = {
    refreshAhead,
    fetchOnStaleThreshold: threshold === undefined ? Infinity : convert(threshold),
  };
  return () => constant;
}

function backoffOf(job: string, backoff: Backoff): JobPolicy['backoff'] {
  if (typeof backoff !== 'object') throw wrong(job, 'backoff', backoff, 'an object { initial, factor, max }');
  const initial = toPeriod(backoff.initial ?? DEFAULTS.backoff.initial, 'backoff.initial', job);
  const max = toPeriod(backoff.max ?? DEFAULTS.backoff.max, 'backoff.max', job);
  const factor = backoff.factor ?? DEFAULTS.backoff.factor;
  if (typeof factor !== 'number' || !(factor >= 1)) {
    throw wrong(job, 'backoff.factor', factor, 'a number of 1 or more');
  }
  return (failures) => Math.min(max, initial * factor ** Math.max(0, failures - 1));
}

function errorDecisionOf(job: string, onError: JobOptions['onError']): JobPolicy['onError'] {
  if (onError === undefined) return () => 'stale';
  const decide = calling(job, 'onError', onError);
  return (target, error, args) => {
    const decision = decide?.(target, [error, ...args]);
    if (decision === 'stale' || decision === 'delete') return decision;
    if (typeof decision === 'object' && decision !== null && 'ttl' in decision) {
      return { ttl: toPeriod(decision.ttl, 'onError ttl', job) };
    }
    throw wrong(job, 'the answer of onError', decision, `'stale', 'delete' or { ttl }`);
  };
}

function tagsOf(job: string, tags: JobOptions['tags']): JobPolicy['tags'] {
  if (typeof tags === 'function') {
    const compute = calling(job, 'tags', tags);
    return (target, value, args) => tagList(job, compute?.(target, [value, ...args]));
  }
  const constant = tagList(job, tags ?? []);
  return () => constant;
}

function predicateOf(job: string, cacheIf: JobOptions['cacheIf']): JobPolicy['cacheIf'] {
  const decide = calling(job, 'cacheIf', cacheIf);
  return decide === undefined ? () => true : (target, value, args) => Boolean(decide(target, [value, ...args]));
}

function processResultOf(job: string, option: JobOptions['processResult']): JobPolicy['processResult'] {
  const processResult = calling(job, 'processResult', option);
  return processResult && ((target, value, read) => processResult(target, [value, read]));
}

function booleanOf(job: string, name: string, option: unknown): boolean {
  if (typeof option === 'boolean') return option;
  throw wrong(job, name, option, 'true or false');
}

function typesOf(job: string, types: unknown): readonly unknown[] {
  if (Array.isArray(types)) return types;
  throw wrong(job, 'types', types, 'a list of classes, such as [User]');
}

function queueOf(job: string, queue: NonNullable<JobOptions['queue']>): RefreshQueueOptions {
  if (typeof queue !== 'object') throw wrong(job, 'queue', queue, 'an object { priority, attempts, delay }');
  const { priority, attempts, delay } = queue;
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 1 && priority <= 2_097_151)) {
    throw wrong(job, 'queue.priority', priority, 'a whole number from 1 to 2097151');
  }
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    throw wrong(job, 'queue.attempts', attempts, 'a whole number of 1 or more');
  }
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(attempts === undefined ? {} : { attempts }),
    ...(delay === undefined ? {} : { delay: toPeriod(delay, 'queue.delay', job) }),
  };
}

function refreshEveryOf(job: string, option: JobOptions['refreshEvery']): JobPolicy['refreshEvery'] {
  if (option === undefined) return undefined;
  if (typeof option !== 'object' || (option.every === undefined) === (option.pattern === undefined)) {
    throw wrong(job, 'refreshEvery', option, 'an object { every, args } or { pattern, tz, args }');
  }
  return {
    timing: timingOf(job, option),
    args: argumentListsOf(job, 'refreshEvery.args', option.args ?? [[]]),
  };
}

/** The timetable checks whether the pattern and the time zone exist. */
function timingOf(job: string, option: NonNullable<JobOptions['refreshEvery']>): Timing {
  // Untyped, because JavaScript code may pass anything.
  const { every, pattern, tz } = option as {
    readonly every: Duration;
    readonly pattern?: unknown;
    readonly tz?: unknown;
  };
  if (pattern === undefined) {
    if (tz !== undefined) throw wrong(job, 'refreshEvery.tz', tz, 'a time zone beside a pattern, not beside `every`');
    return { every: positive(toPeriod, every, 'refreshEvery.every', job) };
  }
  if (typeof pattern !== 'string') {
    throw wrong(job, 'refreshEvery.pattern', pattern, "a cron pattern such as '0 3 * * *'");
  }
  if (tz !== undefined && typeof tz !== 'string') {
    throw wrong(job, 'refreshEvery.tz', tz, "the name of a time zone such as 'Europe/Vienna'");
  }
  return tz === undefined ? { pattern } : { pattern, tz };
}

function argumentListsOf(
  job: string,
  name: string,
  option: unknown,
): (target: Target) => Awaitable<readonly Arguments[]> {
  const checked = (lists: unknown): readonly Arguments[] => {
    if (Array.isArray(lists) && lists.every(Array.isArray)) return lists as Arguments[];
    throw wrong(job, name, lists, "a list of lists of arguments, such as [['EU'], ['US']]");
  };
  if (typeof option !== 'function') {
    const constant = checked(option);
    return () => constant;
  }
  return async (target) => checked(await Reflect.apply(option, target, []));
}
