import { describe, expect, it } from 'vitest';
import type { CollectedRead } from '../../lib/core/job/read-collector.js';
import { headersOf } from '../../lib/http/headers-of.js';

const hit: CollectedRead = { status: 'hit', age: 20, freshFor: 40, staleFor: 100, stored: true, failed: false };
const stale: CollectedRead = { status: 'stale', age: 70, freshFor: -10, staleFor: 90, stored: true, failed: false };
const miss: CollectedRead = { status: 'miss', age: 0, freshFor: 60, staleFor: 100, stored: true, failed: false };

describe('the headers of', () => {
  it.each<[string, CollectedRead[], string, string, string]>([
    ['a hit', [hit], 'max-age=60, stale-while-revalidate=100, stale-if-error=100', '20', 'hit; ttl=40'],
    ['a stale value', [stale], 'max-age=70, stale-while-revalidate=90, stale-if-error=90', '70', 'hit; ttl=-10'],
    ['a miss', [miss], 'max-age=60, stale-while-revalidate=100, stale-if-error=100', '0', 'fwd=miss; stored; ttl=60'],
    [
      'a miss that was not stored',
      [{ ...miss, stored: false }],
      'max-age=60, stale-while-revalidate=100, stale-if-error=100',
      '0',
      'fwd=miss; ttl=60',
    ],
    [
      'two hits: the oldest age, the shortest freshness and grace',
      [hit, { ...hit, age: 25, freshFor: 5, staleFor: 7 }],
      'max-age=30, stale-while-revalidate=7, stale-if-error=7',
      '25',
      'hit; ttl=5',
    ],
    [
      'a miss beside a stale value',
      [stale, miss],
      'max-age=70, stale-while-revalidate=90, stale-if-error=90',
      '70',
      'fwd=miss; stored; ttl=-10',
    ],
    [
      'parts of seconds: freshness rounded down',
      [{ ...hit, age: 20.7, freshFor: 39.3, staleFor: 99.9 }],
      'max-age=59, stale-while-revalidate=99, stale-if-error=99',
      '20',
      'hit; ttl=39',
    ],
  ])('%s', (_, reads, control, age, status) => {
    expect(headersOf(reads, {})).toEqual({
      'Cache-Control': `private, ${control}`,
      Age: age,
      'Cache-Status': `nestjs-async-cache; ${status}`,
    });
  });

  it('no read, or one that failed, are none', () => {
    expect(headersOf([], {})).toBeUndefined();
    expect(headersOf([hit, { ...miss, failed: true }], {})).toBeUndefined();
  });

  it('what a route says', () => {
    expect(headersOf([hit], { scope: 'public', staleIfError: 3_600 })?.['Cache-Control']).toBe(
      'public, max-age=60, stale-while-revalidate=100, stale-if-error=3600',
    );
  });
});
