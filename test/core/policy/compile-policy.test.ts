import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/core/errors.js';
import { type JobOptions, OPTION_NAMES } from '../../../lib/core/policy/job-options.js';
import { compilePolicy } from '../../../lib/core/policy/compile-policy.js';
import type { JobPolicy } from '../../../lib/core/policy/policy.js';

const TARGET = { name: 'the instance' };

function policy(options: JobOptions = {}): JobPolicy {
  return compilePolicy('Reports.sales', options);
}

/** Options as they come from plain JavaScript, or from the environment. */
function refused(options: Record<string, unknown>): () => JobPolicy {
  return () => compilePolicy('Reports.sales', options);
}

/** An option that is a function, with the calls that it got. */
function spy<Result>(
  result: Result,
): ((...args: unknown[]) => Result) & { calls: { self: unknown; args: unknown[] }[] } {
  const calls: { self: unknown; args: unknown[] }[] = [];
  function option(this: unknown, ...args: unknown[]): Result {
    calls.push({ self: this, args });
    return result;
  }
  return Object.assign(option, { calls });
}

describe('the policy of a job without options', () => {
  const defaults = policy();

  it('is fresh for ten minutes and servable for a day more', () => {
    expect(defaults.ttl(TARGET, 'v', [])).toBe(600_000);
    expect(defaults.grace(TARGET, 'v', [])).toBe(86_400_000);
  });

  it('fetches on a miss, never on staleness, and refreshes nothing ahead of time', () => {
    expect(defaults.fetchOnMiss(TARGET, [])).toBe(true);
    expect(defaults.empty(TARGET, [])).toBeNull();
    expect(defaults.staleness(TARGET, [])).toEqual({ refreshAhead: 1, fetchOnStaleThreshold: Infinity });
  });

  it('gives a refresh a minute, under a lease of ten seconds', () => {
    expect(defaults).toMatchObject({ refreshTimeout: 60_000, fetchTimeout: 60_000, lease: 10_000 });
  });

  it('backs off 1 s, 2 s, 4 s and so on up to five minutes', () => {
    const waits = [1, 2, 3, 4, 8, 9, 10, 11, 5_000].map((failures) => defaults.backoff(failures) / 1_000);
    expect(waits).toEqual([1, 2, 4, 8, 128, 256, 300, 300, 300]);
  });

  it('keeps what is stale on errors, stores everything, and tags, versions and shapes nothing', () => {
    expect(defaults.onError(TARGET, new Error('down'), [])).toBe('stale');
    expect(defaults.cacheIf(TARGET, undefined, [])).toBe(true);
    expect(defaults.tags(TARGET, 'v', [])).toEqual([]);
    expect(defaults).toMatchObject({ jitter: 0, queue: {} });
    for (const name of ['key', 'prepareArgs', 'version', 'processResult', 'store'] as const) {
      expect(defaults[name]).toBeUndefined();
    }
  });

  it('says its times in words', () => {
    expect(defaults.summary).toBe('fresh for 10m, served stale for 1d more, refreshed within 1m');
  });
});

describe('a constant option', () => {
  it('is converted once', () => {
    const own = policy({
      ttl: '5m',
      grace: '1h',
      fetchOnMiss: false,
      fetchOnStaleThreshold: 900,
      refreshTimeout: '5s',
      fetchTimeout: '2s',
      backoff: { initial: '100ms', factor: 3, max: 1 },
      jitter: 0.5,
      refreshAhead: 0.8,
      version: 3,
      tags: ['a', 'b'],
      queue: { priority: 2, attempts: 3, delay: '1s' },
      store: 'reports',
    });
    expect(own.ttl(TARGET, 'v', [])).toBe(300_000);
    expect(own.grace(TARGET, 'v', [])).toBe(3_600_000);
    expect(own.fetchOnMiss(TARGET, [])).toBe(false);
    expect(own.staleness(TARGET, [])).toEqual({ refreshAhead: 0.8, fetchOnStaleThreshold: 900_000 });
    expect([1, 2, 3, 4].map((failures) => own.backoff(failures))).toEqual([100, 300, 900, 1_000]);
    expect(own.tags(TARGET, 'v', [])).toEqual(['a', 'b']);
    expect(own).toMatchObject({
      refreshTimeout: 5_000,
      fetchTimeout: 2_000,
      lease: 5_000,
      jitter: 0.5,
      version: '3',
      queue: { priority: 2, attempts: 3, delay: 1_000 },
      store: 'reports',
    });
  });

  it('a fetch may take as long as the refresh unless it says otherwise', () => {
    expect(policy({ refreshTimeout: '5m' })).toMatchObject({ fetchTimeout: 300_000, lease: 10_000 });
  });

  it('a negative grace is none', () => {
    expect(policy({ grace: -5 }).grace(TARGET, 'v', [])).toBe(0);
    expect(policy({ grace: () => '-1h' }).grace(TARGET, 'v', [])).toBe(0);
  });

  it('unlimited periods are bounded to ten years', () => {
    expect(policy({ ttl: Infinity }).ttl(TARGET, 'v', [])).toBe(10 * 365 * 86_400_000);
    expect(policy({ grace: Infinity }).grace(TARGET, 'v', [])).toBe(10 * 365 * 86_400_000);
  });

  it('tags are a copy of what the user gave', () => {
    const tags = ['a'];
    const own = policy({ tags });
    tags.push('b');
    expect(own.tags(TARGET, 'v', [])).toEqual(['a']);
  });

  it('the summary follows the options', () => {
    expect(policy({ ttl: () => 5, grace: 0, refreshTimeout: '90s' }).summary).toBe(
      'fresh for as computed, never served stale, refreshed within 1m 30s',
    );
    expect(policy({ grace: Infinity }).summary).toContain('served stale for for ever more');
  });
});

describe('an option that is a function', () => {
  it.each([
    ['ttl', '7s', (own: JobPolicy) => own.ttl(TARGET, 'v', ['a', 1]), 7_000, ['v', 'a', 1]],
    ['grace', 9, (own: JobPolicy) => own.grace(TARGET, 'v', ['a', 1]), 9_000, ['v', 'a', 1]],
    ['fetchOnMiss', false, (own: JobPolicy) => own.fetchOnMiss(TARGET, ['a', 1]), false, ['a', 1]],
    ['empty', 'none', (own: JobPolicy) => own.empty(TARGET, ['a', 1]), 'none', ['a', 1]],
    [
      'fetchOnStaleThreshold',
      '1m',
      (own: JobPolicy) => own.staleness(TARGET, ['a', 1]),
      { refreshAhead: 1, fetchOnStaleThreshold: 60_000 },
      ['a', 1],
    ],
    ['key', 'k', (own: JobPolicy) => own.key?.(TARGET, ['a', 1]), 'k', ['a', 1]],
    ['prepareArgs', ['b'], (own: JobPolicy) => own.prepareArgs?.(TARGET, ['a', 1]), ['b'], ['a', 1]],
    ['tags', ['t'], (own: JobPolicy) => own.tags(TARGET, 'v', ['a', 1]), ['t'], ['v', 'a', 1]],
    ['cacheIf', false, (own: JobPolicy) => own.cacheIf(TARGET, 'v', ['a', 1]), false, ['v', 'a', 1]],
    ['onError', 'delete', (own: JobPolicy) => own.onError(TARGET, 'e', ['a', 1]), 'delete', ['e', 'a', 1]],
  ] as const)('%s is called with the instance as this', (name, answer, ask, expected, args) => {
    const option = spy(answer as unknown);
    const own = compilePolicy('J', { [name]: option });
    expect(option.calls.filter(({ self }) => self === TARGET)).toEqual([]);
    expect(ask(own)).toEqual(expected);
    expect(option.calls).toEqual([{ self: TARGET, args: [...args] }]);
  });

  it('processResult gets the value and how it came', () => {
    const option = spy('shaped');
    const read = { key: 'k', args: ['a'], status: 'hit', age: 1, refreshing: false, fetched: false } as const;
    expect(policy({ processResult: option }).processResult?.(TARGET, 'v', read)).toBe('shaped');
    expect(option.calls).toEqual([{ self: TARGET, args: ['v', read] }]);
  });

  it('decides each time anew', () => {
    const own = policy({ ttl: (value) => value as number, fetchOnStaleThreshold: (age) => age as number });
    expect([1, 2].map((value) => own.ttl(TARGET, value, []))).toEqual([1_000, 2_000]);
    expect([1, 2].map((age) => own.staleness(TARGET, [age]).fetchOnStaleThreshold)).toEqual([1_000, 2_000]);
  });

  it('fetchOnStaleThreshold may answer that there is none', () => {
    const own = compilePolicy('J', { fetchOnStaleThreshold: (() => undefined) as never });
    expect(own.staleness(TARGET, []).fetchOnStaleThreshold).toBe(Infinity);
  });

  it('a truthy answer of a predicate counts as true, a falsy one as false', () => {
    const own = compilePolicy('J', { cacheIf: ((value: unknown) => value) as never, fetchOnMiss: (() => 0) as never });
    expect(own.cacheIf(TARGET, 'text', [])).toBe(true);
    expect(own.cacheIf(TARGET, '', [])).toBe(false);
    expect(own.fetchOnMiss(TARGET, [])).toBe(false);
  });

  it('onError may ask for a failure to be remembered', () => {
    expect(policy({ onError: () => ({ ttl: '30s' }) }).onError(TARGET, new Error(), [])).toEqual({ ttl: 30_000 });
  });

  it.each<[string, () => unknown, (own: JobPolicy) => unknown, string]>([
    ['ttl', () => 'soon', (own: JobPolicy): unknown => own.ttl(TARGET, 'v', []), "ttl of Reports.sales is 'soon'"],
    ['ttl', () => -1, (own: JobPolicy): unknown => own.ttl(TARGET, 'v', []), 'ttl of Reports.sales is -1'],
    [
      'grace',
      () => Number.NaN,
      (own: JobPolicy): unknown => own.grace(TARGET, 'v', []),
      'grace of Reports.sales is NaN',
    ],
    ['tags', () => 'x', (own: JobPolicy) => own.tags(TARGET, 'v', []), 'tags of Reports.sales is x'],
    ['tags', () => [''], (own: JobPolicy) => own.tags(TARGET, 'v', []), "tags of Reports.sales is [ '' ]"],
    [
      'onError',
      () => 'ignore',
      (own: JobPolicy): unknown => own.onError(TARGET, 'e', []),
      'the answer of onError of Reports.sales is ignore',
    ],
    [
      'onError',
      () => undefined,
      (own: JobPolicy): unknown => own.onError(TARGET, 'e', []),
      'the answer of onError of Reports.sales',
    ],
    [
      'onError',
      () => ({ ttl: -1 }),
      (own: JobPolicy): unknown => own.onError(TARGET, 'e', []),
      'onError ttl of Reports.sales is -1',
    ],
  ])('a wrong answer of %s is refused', (name, option, ask, message) => {
    const own = compilePolicy('Reports.sales', { [name]: option });
    expect(() => ask(own)).toThrow(ConfigurationError);
    expect(() => ask(own)).toThrow(message);
  });
});

describe('a wrong option', () => {
  it.each([
    [{ ttl: 'soon' }, `ttl of Reports.sales is 'soon'`],
    [{ ttl: -1 }, 'ttl of Reports.sales is -1'],
    [{ ttl: {} }, 'ttl of Reports.sales'],
    [{ grace: 'long' }, `grace of Reports.sales is 'long'`],
    [{ fetchOnMiss: 'yes' }, 'fetchOnMiss of Reports.sales is yes'],
    [{ empty: [] }, 'empty of Reports.sales is []'],
    [{ fetchOnStaleThreshold: 'old' }, `fetchOnStaleThreshold of Reports.sales is 'old'`],
    [{ refreshTimeout: 0 }, 'refreshTimeout of Reports.sales is 0'],
    [{ refreshTimeout: '-1s' }, `refreshTimeout of Reports.sales is '-1s'`],
    [{ fetchTimeout: '0ms' }, 'fetchTimeout of Reports.sales is 0ms'],
    [{ fetchTimeout: 'x' }, `fetchTimeout of Reports.sales is 'x'`],
    [{ backoff: { initial: 'x' } }, `backoff.initial of Reports.sales is 'x'`],
    [{ backoff: { max: -1 } }, 'backoff.max of Reports.sales is -1'],
    [{ backoff: { factor: 0.5 } }, 'backoff.factor of Reports.sales is 0.5'],
    [{ backoff: { factor: '2' } }, 'backoff.factor of Reports.sales is 2'],
    [{ backoff: { factor: Number.NaN } }, 'backoff.factor of Reports.sales is NaN'],
    [{ backoff: 5 }, 'backoff of Reports.sales is 5'],
    [{ backoff: '1s' }, 'backoff of Reports.sales is 1s'],
    [{ onError: 'stale' }, 'onError of Reports.sales is stale'],
    [{ jitter: 1.5 }, 'jitter of Reports.sales is 1.5'],
    [{ jitter: '0.1' }, 'jitter of Reports.sales is 0.1'],
    [{ refreshAhead: -0.1 }, 'refreshAhead of Reports.sales is -0.1'],
    [{ key: 'id' }, 'key of Reports.sales is id'],
    [{ prepareArgs: [] }, 'prepareArgs of Reports.sales is []'],
    [{ tags: 'user' }, 'tags of Reports.sales is user'],
    [{ tags: ['ok', 7] }, `tags of Reports.sales is [ 'ok', 7 ]`],
    [{ tags: ['ok', ''] }, `tags of Reports.sales is [ 'ok', '' ]`],
    [{ cacheIf: true }, 'cacheIf of Reports.sales is true'],
    [{ processResult: 1 }, 'processResult of Reports.sales is 1'],
    [{ queue: { priority: 0 } }, 'queue.priority of Reports.sales is 0'],
    [{ queue: { priority: 2_097_152 } }, 'queue.priority of Reports.sales is 2097152'],
    [{ queue: { attempts: 1.5 } }, 'queue.attempts of Reports.sales is 1.5'],
    [{ queue: { delay: -1 } }, 'queue.delay of Reports.sales is -1'],
    [{ queue: 'fast' }, 'queue of Reports.sales is fast'],
    [{ tll: 60 }, `Reports.sales has an option 'tll', which does not exist`],
  ])('%j is refused, and the error names the job, the option and the value', (options, message) => {
    expect(refused(options)).toThrow(ConfigurationError);
    expect(refused(options)).toThrow(message);
  });

  it('a name that does not exist is refused with those that do', () => {
    for (const name of OPTION_NAMES) expect(refused({ tll: 60 })).toThrow(name);
  });

  it('a bigint in a wrong place is shown, and not a failure of its own', () => {
    expect(refused({ backoff: { factor: 2n } })).toThrow('backoff.factor of Reports.sales is 2');
    expect(refused({ tags: [1n] })).toThrow(ConfigurationError);
  });

  it('undefined means the default', () => {
    const all = Object.fromEntries(OPTION_NAMES.map((name) => [name, undefined]));
    expect(refused(all)).not.toThrow();
    expect(refused(all)().summary).toBe(policy().summary);
  });
});
