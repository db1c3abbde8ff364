import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  AsyncCacheError,
  CircularReadError,
  ConfigurationError,
  ContextError,
  CorruptEntryError,
  FetchTimeoutError,
  NoRefreshContextError,
  QueueError,
  StoreError,
  StoreTimeoutError,
  UnkeyableArgumentError,
  UnknownJobError,
  UnserializableValueError,
} from '../../lib/core/errors.js';

const cause = new Error('ECONNREFUSED');

const cases: [error: AsyncCacheError, name: string, code: string][] = [
  [new ConfigurationError('ttl is -1', 'Give a positive duration'), 'ConfigurationError', 'E_CONFIGURATION'],
  [
    new UnkeyableArgumentError('Report.sales', 0, '$', 'is a function'),
    'UnkeyableArgumentError',
    'E_UNKEYABLE_ARGUMENT',
  ],
  [
    new UnserializableValueError('Report.sales', '$.a', 'is a function'),
    'UnserializableValueError',
    'E_UNSERIALIZABLE_VALUE',
  ],
  [new FetchTimeoutError('Report.sales', 'Report.sales:1', 50), 'FetchTimeoutError', 'E_FETCH_TIMEOUT'],
  [new StoreError('read', { cause }), 'StoreError', 'E_STORE'],
  [new StoreTimeoutError('read', 500), 'StoreTimeoutError', 'E_STORE_TIMEOUT'],
  [new QueueError('request', { cause }), 'QueueError', 'E_QUEUE'],
  [new CorruptEntryError('it is cut off'), 'CorruptEntryError', 'E_CORRUPT_ENTRY'],
  [new UnknownJobError('Report.sales'), 'UnknownJobError', 'E_UNKNOWN_JOB'],
  [new ContextError('Report', cause), 'ContextError', 'E_CONTEXT'],
  [new CircularReadError('Report', 'a', ['a', 'a']), 'CircularReadError', 'E_CIRCULAR_READ'],
  [new NoRefreshContextError(), 'NoRefreshContextError', 'E_NO_REFRESH_CONTEXT'],
];

describe('errors', () => {
  it.each(cases)('%s is an AsyncCacheError with its own name and code', (error, name, code) => {
    expect(error).toBeInstanceOf(AsyncCacheError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(error.stack).toMatch(new RegExp(`^${name}: `));
  });

  it.each(cases)('%s ends its message with what to do about it', (error) => {
    expect(error.remedy).not.toBe('');
    expect(error.message.endsWith(error.remedy)).toBe(true);
  });

  it('codes are unique', () => {
    expect(new Set(cases.map(([error]) => error.code)).size).toBe(cases.length);
  });

  it('keeps job, key and cause when there are any, and shows nothing undefined when not', () => {
    const error = new StoreError('read', { job: 'Report.sales', key: 'Report.sales:1', cause });
    expect(error).toMatchObject({ operation: 'read', job: 'Report.sales', key: 'Report.sales:1' });
    expect(error.cause).toBe(cause);
    expect(error.message).toContain('ECONNREFUSED');
    expect(inspect(new StoreError('read'))).not.toContain('undefined');
  });

  it('a store that is too slow is a store that failed', () => {
    expect(new StoreTimeoutError('read', 500)).toBeInstanceOf(StoreError);
  });

  it('names the argument by its position in the call, counted from one, and the place inside it', () => {
    const error = new UnkeyableArgumentError('Report.sales', 1, '$.filter.done', 'is a function');
    expect(error).toMatchObject({ job: 'Report.sales', index: 1, path: '$.filter.done' });
    expect(error.message).toContain('Report.sales: argument 2 at $.filter.done');
    expect(error.message).toContain('override key() or prepareArgs()');
  });

  it.each<[Error, string]>([
    [
      new CircularReadError('Report.total', 'Report.total:', ['Report.total:', 'Part.of:"a"', 'Report.total:']),
      'Report.total: a read would wait for itself: Report.total: → Part.of:"a" → Report.total:. Get that value from the origin, or move what both fetches need into a job of its own',
    ],
    [
      new UnknownJobError('Report', { isOtherVersion: true }),
      'Report has another `version` in this process. Register its provider in this application, or wait for the deploy that does',
    ],
    [
      new ContextError('Report', new Error('no tenant')),
      "The context of Report cannot be captured: no tenant. Return plain data from capture of forRoot's context, undefined where there is none; set context: false on a job whose values are the same in every context",
    ],
  ])('says what is wrong and what to do: %s', (error, message) => {
    expect(error.message).toBe(message);
  });
});
