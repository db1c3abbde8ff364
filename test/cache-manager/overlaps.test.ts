import { createKeyv } from '@keyv/redis';
import { inject, expect, it, onTestFinished, describe } from 'vitest';
import { Gate } from '../../lib/testing/gate.js';
import type { StoreUser } from '../../lib/testing/store-user.js';
import { storeOver } from './store-over.js';

type Operation = (user: StoreUser) => Promise<unknown>;
interface Slow {
  readonly user: StoreUser;
  /** Begins the operation, whose writes wait until `land` is called. */
  begin(operation: Operation): Promise<void>;
  land(): Promise<void>;
}

const KEY = 'J:key';
const LONG = { ttl: 600_000, grace: 600_000, tags: ['tag'] };
const STAMPED: readonly [string, Operation][] = [
  ['invalidate', async ({ store }) => store.invalidate(KEY)],
  ['invalidateTags', async ({ store }) => store.invalidateTags(['tag'])],
  ['deleteTags', async ({ store }) => store.deleteTags(['tag'])],
  ['invalidateAll', async ({ store }) => store.invalidateAll('J:')],
  ['clear', async ({ store }) => store.clear()],
];

function open(prefix: string): { user: StoreUser; slow: Slow } {
  const keyv = createKeyv(inject('redisUrl'));
  const { store, user } = storeOver({ stores: keyv, prefix });
  onTestFinished(() => store.close());
  const gate = new Gate<undefined>();
  let isSlow = false;
  let running: Promise<unknown> = Promise.resolve();
  for (const name of ['set', 'setMany'] as const) {
    const write = keyv[name].bind(keyv) as (...args: unknown[]) => Promise<never>;
    keyv[name] = async (...args: unknown[]) => {
      if (isSlow) await gate.fetch();
      return write(...args);
    };
  }
  const slow: Slow = {
    user,
    async begin(operation) {
      isSlow = true;
      running = operation(user);
      await gate.started(1);
      isSlow = false;
    },
    async land() {
      gate.open(() => undefined);
      await running;
    },
  };
  return { user, slow };
}

const scene = (): { a: Slow; b: StoreUser } => {
  const prefix = `overlap-${String(Math.random())}`;
  return { a: open(prefix).slow, b: open(prefix).user };
};

describe('a slower invalidation of one process that overlaps two of another', () => {
  it.each(STAMPED)(
    '%s: what was stored between these two is fresh again, until its ttl or the next one',
    async (_, act) => {
      const { a, b } = scene();
      await b.fetched(KEY, 'first', LONG);
      await a.begin(act);
      await act(b);
      await b.fetched(KEY, 'between', LONG);
      await act(b);
      expect(await b.decision(KEY)).not.toBe('fresh');
      await a.land();
      // Exactly what docs/security.md says. Nothing that was stored before the first of the three is.
      expect([await b.decision(KEY), await b.served(KEY)]).toEqual(['fresh', 'between']);
      await act(b);
      expect(await b.decision(KEY)).not.toBe('fresh');
    },
  );
});

describe('a slower invalidation of one process that overlaps one of another', () => {
  it.each(STAMPED)('%s: what was stored before both is not fresh, whichever is written last', async (_, act) => {
    const { a, b } = scene();
    await b.fetched(KEY, 'first', LONG);
    await a.begin(act);
    await act(b);
    await a.land();
    expect(await b.decision(KEY)).not.toBe('fresh');
  });

  it('of a tag brings back what a removal of the tag has removed, as a stale value', async () => {
    const { a, b } = scene();
    await b.fetched(KEY, 'first', LONG);
    await a.begin(async ({ store }) => store.invalidateTags(['tag']));
    await b.store.deleteTags(['tag']);
    expect(await b.decision(KEY)).toBe('miss');
    await a.land();
    expect(await b.decision(KEY)).toBe('stale');
  });
});

describe('in one process', () => {
  it.each(STAMPED)('%s: one is written after the other, so nothing is fresh again', async (_, act) => {
    const { slow } = open(`overlap-${String(Math.random())}`);
    const { user } = slow;
    await user.fetched(KEY, 'first', LONG);
    await slow.begin(act);
    const second = act(user);
    await slow.land();
    await second;
    await user.fetched(KEY, 'between', LONG);
    await Promise.all([act(user), act(user)]);
    expect(await user.decision(KEY)).not.toBe('fresh');
  });
});
