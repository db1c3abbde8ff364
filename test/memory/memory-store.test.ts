import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Fill } from '../../lib/core/entry.js';
import type { Clock, CommitResult, Lease, Store } from '../../lib/core/ports.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { describeStore } from '../../lib/testing/store-contract.js';
import type { StoreUnderTest } from '../../lib/testing/store-under-test.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { FENCE_TESTS, runContract } from '../support/run-contract.js';

const framework = { afterEach, beforeEach, describe, expect, it };

describeStore(
  'MemoryStore',
  {
    create: async () => {
      const clock = new ManualClock();
      const store = new MemoryStore({ clock });
      return { store, advance: (ms) => clock.advance(ms), close: async () => store.close() };
    },
    capabilities: { shared: false, fence: 'process' },
  },
  framework,
);

it('without the check of the token fails the tests of the fence', async () => {
  class Unfenced extends MemoryStore {
    override commit(lease: Lease, fill: Fill): CommitResult {
      const committed = super.commit(lease, fill);
      if (committed !== 'lost') return committed;
      this.set(lease.key, fill);
      return 'stored';
    }
  }
  const create = async (): Promise<StoreUnderTest> => {
    const clock = new ManualClock();
    return { store: new Unfenced({ clock }), advance: (ms) => clock.advance(ms), close: async () => undefined };
  };
  const capabilities = { shared: false, fence: 'process' } as const;
  const { passed, failed } = await runContract((collecting) => {
    describeStore('unfenced', { create, capabilities }, collecting);
  });
  expect(failed).toEqual(expect.arrayContaining(FENCE_TESTS));
  expect(passed.length).toBeGreaterThan(failed.length);
});

describe('MemoryStore', () => {
  const clock = new ManualClock();
  const userOf = (store: Store): StoreUser =>
    new StoreUser({ store, advance: (ms) => clock.advance(ms), close: async () => undefined });

  it('answers everything without a promise', () => {
    const store = new MemoryStore({ clock });
    const { fill } = userOf(store);
    const acquired = store.acquire('key', { lease: 1_000, respectBackoff: true, takeOver: false });
    if (acquired.kind !== 'granted') throw new Error(acquired.kind);
    const { lease } = acquired;
    const answers: unknown[] = [
      store.renew(lease, 1_000),
      store.commit(lease, fill(1)),
      store.release(lease, { kind: 'unfilled' }),
    ];
    answers.push(
      store.read('key')?.value,
      store.readMany(['key']).length,
      store.invalidate('key').found,
      store.set('key', fill(2)),
    );
    answers.push(
      store.invalidateTags(['tag']),
      store.deleteTags(['tag']),
      store.delete('key'),
      store.clear(),
      store.close(),
    );
    expect(answers).toEqual([
      true,
      'stored',
      'lost',
      1,
      1,
      true,
      undefined,
      undefined,
      undefined,
      true,
      undefined,
      undefined,
    ]);
  });

  it('gives back the very value, with what it says about copying', () => {
    const store = new MemoryStore({ clock });
    const value = { nested: new Map() };
    store.set('key', { ...userOf(store).fill(value), copyOnRead: true });
    expect(store.read('key')).toMatchObject({ copyOnRead: true });
    expect(store.read('key')?.value).toBe(value);
  });

  it('keeps as many entries as it may, and those that are read', async () => {
    const store = new MemoryStore({ clock, max: 3 });
    const user = userOf(store);
    for (const key of ['a', 'b', 'c']) await user.fetched(key, key, { tags: ['tag', `tag of ${key}`] });
    store.read('a');
    await user.fetched('d', 'd', { tags: ['tag'] });
    expect(store.readMany(['a', 'b', 'c', 'd']).map((entry) => entry?.value)).toEqual(['a', undefined, 'c', 'd']);
    store.deleteTags(['tag of b', 'tag']);
    expect(store.readMany(['a', 'b', 'c', 'd'])).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('is exact within one millisecond', async () => {
    const store = new MemoryStore({ clock });
    const user = userOf(store);
    const before = await user.lease('before');
    store.invalidateTags(['tag']);
    const after = await user.lease('after');
    expect(before.grantedAt).toBe(after.grantedAt);
    expect(await user.commit(before, 1, { tags: ['tag'] })).toBe('revoked');
    expect(await user.commit(after, 2, { tags: ['tag'] })).toBe('stored');
    store.invalidate('after');
    expect(await user.decision('after')).toBe('stale');
  });

  it('gives different stores different generations', async () => {
    const stores = [new MemoryStore({ clock }), new MemoryStore({ clock })];
    const entries = await Promise.all(
      stores.map(async (store) => {
        await userOf(store).set('key', 1);
        return userOf(store).entry('key');
      }),
    );
    expect(entries[0]?.generation).not.toBe(entries[1]?.generation);
  });

  it('holds no more bytes than maxBytes: what was not read for a while goes, what is new stays', async () => {
    const bounded = new MemoryStore({ clock, maxBytes: 100_000 });
    for (let at = 0; at < 100; at++) {
      await userOf(bounded).set(`key ${String(at)}`, 'x'.repeat(10_000));
      bounded.read('key 0');
      expect(bounded.estimatedBytes).toBeLessThanOrEqual(100_000);
    }
    const held = Array.from({ length: 100 }, (_, at) => at).filter((at) => bounded.read(`key ${String(at)}`));
    expect(held).toHaveLength(9);
    expect(held).toContain(0);
    expect(held).toContain(99);
    bounded.clear();
    expect(bounded.estimatedBytes).toBe(0);
  });

  it('counts each entry once, however often it is replaced, made stale, failed and removed', async () => {
    const bounded = new MemoryStore({ clock });
    await userOf(bounded).set('key', 'x'.repeat(1_000));
    const one = bounded.estimatedBytes;
    for (let at = 0; at < 10; at++) {
      await userOf(bounded).set('key', 'y'.repeat(1_000));
      bounded.invalidate('key');
    }
    expect(bounded.estimatedBytes).toBe(one);
    bounded.delete('key');
    expect(bounded.estimatedBytes).toBe(0);
  });

  it('does not keep a value that is larger than maxBytes, says so, and keeps no older one in its place', async () => {
    const tooLarge: string[] = [];
    const bounded = new MemoryStore({ clock, maxBytes: 10_000, onTooLarge: (key) => tooLarge.push(key) });
    await userOf(bounded).set('other', 'small');
    await userOf(bounded).set('key', 'small');
    await userOf(bounded).set('key', 'x'.repeat(20_000), { tags: ['tag'] });
    expect(tooLarge).toEqual(['key']);
    expect(bounded.read('key')).toBeUndefined();
    expect(bounded.read('other')).toBeDefined();
    expect(() => bounded.invalidateTags(['tag'])).not.toThrow();
  });

  it('reads without looking at the clock', () => {
    let asked = 0;
    const counting: Clock = { now: () => ++asked, schedule: () => () => undefined, defer: () => undefined };
    const store = new MemoryStore({ clock: counting });
    store.set('key', userOf(store).fill(1));
    const before = asked;
    store.read('key');
    store.readMany(['key']);
    expect(asked).toBe(before);
  });
});
