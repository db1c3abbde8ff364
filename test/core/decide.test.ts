import { describe, expect, it } from 'vitest';
import { backingOff, decide, type Staleness } from '../../lib/core/decide.js';
import type { Entry } from '../../lib/core/entry.js';

const STORED = 1_000_000;
const TTL = 60_000;
const GRACE = 600_000;
const FRESH_UNTIL = STORED + TTL;
const SERVABLE_UNTIL = FRESH_UNTIL + GRACE;
const NEVER: Staleness = { refreshAhead: 1, fetchOnStaleThreshold: Infinity };

function entry(changes: Partial<Entry> = {}): Entry {
  return {
    kind: 'value',
    value: 'v',
    copyOnRead: false,
    storedAt: STORED,
    freshUntil: FRESH_UNTIL,
    grace: GRACE,
    generation: 'g',
    tags: [],
    ...changes,
  };
}

function failedUntil(retryAt: number): Partial<Entry> {
  return { failure: { count: 1, message: 'down', at: STORED, retryAt } };
}

describe('decide', () => {
  it.each([
    ['when it was stored', STORED, 'fresh'],
    ['before it was stored, by a clock that is behind', STORED - 1_000, 'fresh'],
    ['from the future, since the clock was set back', STORED - 1_001, 'stale'],
    ['exactly at ttl', FRESH_UNTIL, 'fresh'],
    ['a millisecond past ttl', FRESH_UNTIL + 1, 'stale'],
    ['exactly at the end of grace', SERVABLE_UNTIL, 'stale'],
    ['a millisecond past grace', SERVABLE_UNTIL + 1, 'miss'],
  ] as const)('a value %s is %s', (_, now, decision) => {
    expect(decide(entry(), NEVER, now)).toBe(decision);
  });

  it('a remembered error from the future is a miss', () => {
    expect(decide(entry({ kind: 'error', grace: 0 }), NEVER, STORED - 1_000)).toBe('fresh');
    expect(decide(entry({ kind: 'error', grace: 0 }), NEVER, STORED - 1_001)).toBe('miss');
  });

  it('nothing, or only a history of failures, is a miss', () => {
    expect(decide(undefined, NEVER, STORED)).toBe('miss');
    expect(decide(entry({ kind: 'vacant', generation: '' }), NEVER, STORED)).toBe('miss');
  });

  it('without grace a value is never stale', () => {
    expect(decide(entry({ grace: 0 }), NEVER, FRESH_UNTIL)).toBe('fresh');
    expect(decide(entry({ grace: 0 }), NEVER, FRESH_UNTIL + 1)).toBe('miss');
  });

  it('an invalidated value is stale, and its grace counts from the invalidation', () => {
    const invalidated = entry({ freshUntil: STORED + 10 });
    expect(decide(invalidated, NEVER, STORED + 11)).toBe('stale');
    expect(decide(invalidated, NEVER, STORED + 10 + GRACE)).toBe('stale');
    expect(decide(invalidated, NEVER, STORED + 10 + GRACE + 1)).toBe('miss');
  });

  describe('with a threshold of staleness', () => {
    const staleness: Staleness = { refreshAhead: 1, fetchOnStaleThreshold: 90_000 };

    it.each([
      ['past ttl', FRESH_UNTIL + 1, 'stale'],
      ['exactly at the threshold', STORED + 90_000, 'stale'],
      ['a millisecond past the threshold', STORED + 90_001, 'too-stale'],
      ['at the end of grace', SERVABLE_UNTIL, 'too-stale'],
      ['past grace', SERVABLE_UNTIL + 1, 'miss'],
    ] as const)('a value %s is %s', (_, now, decision) => {
      expect(decide(entry(), staleness, now)).toBe(decision);
    });

    it('a threshold below ttl does not touch what is fresh', () => {
      const low: Staleness = { refreshAhead: 1, fetchOnStaleThreshold: 1_000 };
      expect(decide(entry(), low, FRESH_UNTIL)).toBe('fresh');
      expect(decide(entry(), low, FRESH_UNTIL + 1)).toBe('too-stale');
    });

    it('during a backoff the stale value is served all the same', () => {
      const now = STORED + 100_000;
      expect(decide(entry(failedUntil(now + 1)), staleness, now)).toBe('stale-backoff');
      expect(decide(entry(failedUntil(now)), staleness, now)).toBe('too-stale');
    });
  });

  describe('with refreshAhead', () => {
    const staleness: Staleness = { refreshAhead: 0.8, fetchOnStaleThreshold: Infinity };
    const ageing = STORED + 0.8 * TTL;

    it.each([
      ['exactly at the fraction', ageing, 'fresh'],
      ['past the fraction', ageing + 1, 'fresh-ageing'],
      ['exactly at ttl', FRESH_UNTIL, 'fresh-ageing'],
      ['past ttl', FRESH_UNTIL + 1, 'stale'],
    ] as const)('a value %s is %s', (_, now, decision) => {
      expect(decide(entry(), staleness, now)).toBe(decision);
    });

    it('during a backoff a fresh value is no reason for a refresh', () => {
      const now = ageing + 1;
      expect(decide(entry(failedUntil(now + 1)), staleness, now)).toBe('fresh');
      expect(decide(entry(failedUntil(now)), staleness, now)).toBe('fresh-ageing');
    });

    it('a remembered failure is kept for the whole of its ttl', () => {
      expect(decide(entry({ kind: 'error', grace: 0 }), staleness, FRESH_UNTIL)).toBe('fresh');
    });
  });

  it('a remembered failure is served until its ttl and never past it', () => {
    const error = entry({ kind: 'error' });
    expect(decide(error, NEVER, FRESH_UNTIL)).toBe('fresh');
    expect(decide(error, NEVER, FRESH_UNTIL + 1)).toBe('miss');
  });

  it('a backoff ends at its instant', () => {
    expect(backingOff(entry(), STORED)).toBe(false);
    expect(backingOff(entry(failedUntil(STORED + 1)), STORED)).toBe(true);
    expect(backingOff(entry(failedUntil(STORED)), STORED)).toBe(false);
  });

  it('changes nothing in the entry', () => {
    const frozen = Object.freeze(entry(Object.freeze(failedUntil(FRESH_UNTIL + 5))));
    expect(decide(frozen, NEVER, FRESH_UNTIL + 1)).toBe('stale-backoff');
  });
});
