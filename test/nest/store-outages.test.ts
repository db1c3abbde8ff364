import { describe, expect, it } from 'vitest';
import { StoreError, StoreTimeoutError } from '../../lib/core/errors.js';
import type { CacheEvent } from '../../lib/core/events.js';
import { StoreOutages } from '../../lib/nest/store-outages.js';

const failed = (message: string, store?: string, operation = 'read'): CacheEvent => {
  const error = new StoreError(operation, { cause: new Error(message) });
  if (store !== undefined) error.store = store;
  return { type: 'store-failed', job: 'J', key: 'J:1', operation, error };
};
const recovered = (store: string): CacheEvent => ({ type: 'store-recovered', job: '', key: '', store, duration: 1 });
const news = (outages: StoreOutages, ...events: CacheEvent[]): boolean[] =>
  events.map((event) => outages.isNews(event));

describe('the reports of an outage of a store', () => {
  it('are one for each cause, whatever failed, and one when it is over', () => {
    const slow = new StoreTimeoutError('commit', 500);
    slow.store = 'main';
    const timeout: CacheEvent = { type: 'store-failed', job: '', key: '', operation: 'commit', error: slow };
    expect(
      news(
        new StoreOutages(),
        failed('Connection is closed', 'main'),
        failed('connect ECONNREFUSED', 'main', 'commit'),
        timeout,
        failed("READONLY You can't write against a read only replica", 'main', 'commit'),
        failed('READONLY again', 'main', 'acquire'),
        failed('WRONGPASS invalid', 'main'),
        failed('NOAUTH required', 'main'),
        recovered('main'),
        recovered('main'),
        failed('Connection is closed', 'main'),
      ),
    ).toEqual([true, false, false, true, false, true, false, true, false, true]);
  });

  it('are those of each store', () => {
    const outages = new StoreOutages();
    expect(
      news(outages, failed('away', 'main'), failed('away', 'big'), recovered('big'), failed('away', 'main')),
    ).toEqual([true, true, true, false]);
  });

  it('do not swallow what concerns one entry, nor other events', () => {
    const hit: CacheEvent = { type: 'hit', job: 'J', key: 'J:1', age: 0 };
    expect(news(new StoreOutages(), failed('corrupt'), failed('corrupt'), hit, hit)).toEqual([true, true, true, true]);
  });
});
