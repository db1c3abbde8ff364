import { createKeyv } from '@keyv/redis';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { CacheManagerStore } from '../../lib/cache-manager/index.js';
import type { Clock } from '../../lib/core/ports.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { LONG, type StoreUser } from '../../lib/testing/store-user.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { FlakyAdapter } from './flaky-adapter.js';
import { storeOver } from './store-over.js';

/** Two stores that share nothing but a Redis. */
let server: RedisServer;
let admin: Redis;
let stores: CacheManagerStore[];

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await admin.flushall();
  stores = [];
});
afterEach(() => Promise.all(stores.map((store) => store.close())));

function process(clock: Clock = new SystemClock()): StoreUser {
  const { store, user } = storeOver({ clock, stores: createKeyv(server.url) });
  stores.push(store);
  return user;
}

function off(ms: number): Clock {
  const clock = new SystemClock();
  return {
    now: () => clock.now() + ms,
    schedule: (after, run) => clock.schedule(after, run),
    defer: (run) => clock.defer(run),
  };
}

/** Names and numbers of the commands that Redis received meanwhile. */
async function commandsOf(run: () => unknown): Promise<Record<string, number>> {
  await admin.config('RESETSTAT');
  await run();
  const stats = await admin.info('commandstats');
  const counted = [...stats.matchAll(/cmdstat_([a-z]+):calls=(\d+)/g)].map(([, name, calls]): [string, number] => [
    String(name),
    Number(calls),
  ]);
  return Object.fromEntries(counted.filter(([name]) => name !== 'config' && name !== 'info'));
}

for (const [who, ahead, behind] of [
  ['whose clocks agree', 0, 0],
  ['half an hour apart', 900_000, -900_000],
  ['half an hour apart, the other way', -900_000, 900_000],
] as const) {
  describe(`two processes ${who}`, () => {
    let a: StoreUser;
    let b: StoreUser;
    beforeEach(() => {
      a = process(off(ahead));
      b = process(off(behind));
    });

    it.each([[[]], [['tag']]])('see what the other stored (tags %j)', async (tags) => {
      await a.fetched('key', 'value', { ttl: LONG * 10, grace: LONG * 10, tags });
      expect(await b.served('key')).toBe('value');
    });

    for (const there of [true, false]) {
      describe(there ? 'and a refresh in one of them' : 'and a first fetch in one of them', () => {
        beforeEach(async () => {
          if (there) await a.fetched('key', 'old', { ttl: LONG * 10, grace: LONG * 10, tags: ['tag'] });
        });

        it.each([
          ['deletes', 'lost', (user: StoreUser) => user.store.delete('key'), undefined],
          ['sets', 'lost', (user: StoreUser) => user.set('key', 'set', { ttl: LONG * 10, grace: LONG * 10 }), 'set'],
          ['clears', 'lost', (user: StoreUser) => user.store.clear(), undefined],
          [
            'invalidates',
            there ? 'stale' : 'revoked',
            (user: StoreUser) => user.store.invalidate('key'),
            there ? 'late' : undefined,
          ],
          [
            'invalidates the tag',
            there ? 'stale' : 'revoked',
            (user: StoreUser) => user.store.invalidateTags(['tag']),
            there ? 'late' : undefined,
          ],
          [
            'deletes the tag',
            there ? 'lost' : 'revoked',
            (user: StoreUser) => user.store.deleteTags(['tag']),
            undefined,
          ],
        ] as const)('the other %s meanwhile: %s', async (_, result, act, served) => {
          const lease = await a.lease('key');
          await act(b);
          expect(await a.commit(lease, 'late', { ttl: LONG * 10, grace: LONG * 10, tags: ['tag'] })).toBe(result);
          expect(await a.served('key')).toBe(served);
          expect(await b.decision('key')).toBe(served === undefined ? 'miss' : served === 'set' ? 'fresh' : 'stale');
        });

        it('the other sees it all at once and fetches anew', async () => {
          const lease = await a.lease('key');
          await b.store.invalidate('key');
          await b.store.invalidateTags(['tag']);
          await a.commit(lease, 'late', { tags: ['tag'] });
          await b.fetched('key', 'new', { ttl: LONG * 10, grace: LONG * 10, tags: ['tag'] });
          expect(await a.served('key')).toBe('new');
          expect(await a.decision('key')).toBe('fresh');
        });
      });
    }

    it('both fetch a cold key: the value stored first stays', async () => {
      const [one, two] = [await a.lease('key'), await b.lease('key')];
      expect(await a.commit(one, 'first', { ttl: LONG * 10 })).toBe('stored');
      expect(await b.commit(two, 'second')).toBe('lost');
      expect(await b.served('key')).toBe('first');
    });

    it('share backoffs', async () => {
      await a.failed('key', 10 * LONG);
      expect((await b.acquire('key')).kind).toBe('backoff');
      expect(await b.grant('key', { respectBackoff: false })).toMatchObject({ failures: 1 });
    });

    it('a request for a replaced generation refreshes nothing', async () => {
      await a.fetched('key', 'old');
      const { generation } = await a.entry('key');
      await b.fetched('key', 'new');
      expect((await a.acquire('key', { generation })).kind).toBe('changed');
    });
  });
}

describe('the moment between the last look and the write', () => {
  /** Holds back the write of an entry, as a process does that is frozen at that point. */
  async function interrupted(act: (user: StoreUser) => unknown, tags: string[] = []): Promise<StoreUser> {
    const keyv = createKeyv(server.url);
    const { store, user: a } = storeOver({ stores: keyv });
    stores.push(store);
    const b = process();
    const lease = await a.lease('key');
    const write = keyv.set.bind(keyv);
    keyv.set = async (...args) => {
      await act(b);
      return write(...args);
    };
    expect(await a.commit(lease, 'late', { tags })).toBe('stored');
    return b;
  }

  it.each([
    ['a delete', (user: StoreUser) => user.store.delete('key')],
    ['an invalidation', (user: StoreUser) => user.store.invalidate('key')],
    ['a clear', (user: StoreUser) => user.store.clear()],
    ['an invalidation of a tag', (user: StoreUser) => user.store.invalidateTags(['tag'])],
    ['a deletion of a tag', (user: StoreUser) => user.store.deleteTags(['tag'])],
    ['a set', (user: StoreUser) => user.set('key', 'set')],
  ])('lets no old value through after %s', async (_, act) => {
    const b = await interrupted(act, ['tag']);
    expect(['miss', 'stale']).toContain(await b.decision('key'));
    await b.fetched('key', 'new');
    expect(await b.decision('key')).toBe('fresh');
  });

  it('may lose a value that was set there, but never brings back the old one', async () => {
    const b = await interrupted((user) => user.set('key', 'set'));
    expect(await b.served('key')).toBe(undefined);
  });

  it('lets the later one of two fetches of a cold key win', async () => {
    const b = await interrupted((user) => user.fetched('key', 'first'));
    expect(await b.served('key')).toBe('late');
  });
});

describe('what it costs in Redis', () => {
  let a: StoreUser;
  beforeEach(async () => {
    a = process();
    await a.fetched('plain', 'value');
    await a.fetched('tagged', 'value', { tags: ['x', 'y'] });
  });

  it.each([
    ['a read', { mget: 1 }, () => a.store.read('plain')],
    ['a read of nothing', { mget: 1 }, () => a.store.read('nothing')],
    ['a read of what has tags', { mget: 2 }, () => a.store.read('tagged')],
    ['a read of many', { mget: 2 }, () => a.store.readMany(['plain', 'tagged', 'nothing'])],
    ['a set', { mget: 1, multi: 1, set: 2, exec: 1 }, () => a.set('plain', 'new', { tags: ['x'] })],
    ['an invalidation', { mget: 1, set: 1 }, () => a.store.invalidate('plain')],
    ['a delete', { mget: 1, set: 1, multi: 1, unlink: 2, exec: 1 }, () => a.store.delete('plain')],
    ['an invalidation of two tags', { mget: 1, multi: 1, set: 3, exec: 1 }, () => a.store.invalidateTags(['x', 'y'])],
    ['a clear', { mget: 1, set: 1 }, () => a.store.clear()],
  ])('%s: %j', async (_, commands, run) => {
    expect(await commandsOf(run)).toEqual(commands);
  });

  it.each(['plain', 'tagged'])('a refresh of %s: one look and one write at its end', async (key) => {
    const tags = key === 'tagged' ? ['x', 'y'] : [];
    const looks = tags.length === 0 ? 1 : 2;
    const granted = await commandsOf(() => a.lease(key));
    expect(granted).toEqual({ mget: looks });
    await a.store.delete(key);
    const lease = await a.lease(key);
    expect(await commandsOf(() => a.commit(lease, 'new', { tags }))).toEqual({ mget: 1, set: 1 });
  });
});

describe('memory before Redis in each of two processes', () => {
  let clock: { ms: number };
  let near: Keyv[];
  let users: StoreUser[];
  beforeEach(() => {
    clock = { ms: 0 };
    const moved: Clock = { ...off(0), now: () => Date.now() + clock.ms };
    near = [new Keyv(), new Keyv()];
    users = near.map((memory) => {
      const { store, user } = storeOver({ clock: moved, stores: [memory, createKeyv(server.url)] });
      stores.push(store);
      return user;
    });
  });

  it('reads what is fresh in memory without asking Redis', async () => {
    const [a, b] = users as [StoreUser, StoreUser];
    await a.fetched('key', 'value');
    expect(await commandsOf(() => a.served('key'))).toEqual({});
    expect(await commandsOf(() => b.served('key'))).toEqual({ mget: 1 });
    expect(await a.store.readMany(['key', 'nothing'])).toMatchObject([{ value: 'value' }, undefined]);
  });

  it.each([
    ['delete', (user: StoreUser) => user.store.delete('key'), 'miss'],
    ['invalidate', (user: StoreUser) => user.store.invalidate('key'), 'stale'],
    ['deleteTags', (user: StoreUser) => user.store.deleteTags(['tag']), 'miss'],
    ['invalidateTags', (user: StoreUser) => user.store.invalidateTags(['tag']), 'stale'],
    ['clear', (user: StoreUser) => user.store.clear(), 'miss'],
  ] as const)(
    '%s reaches all tiers of its process at once, and the memory of others when their ttl is over',
    async (_, act, after) => {
      const [a, b] = users as [StoreUser, StoreUser];
      await a.fetched('key', 'value', { ttl: 1_000, tags: ['tag'] });
      await act(a);
      expect(await a.decision('key')).toBe(after);
      expect(await b.decision('key')).toBe(after);
      await a.fetched('key', 'new', { ttl: 1_000, tags: ['tag'] });
      await act(b);
      expect(await a.decision('key')).toBe('fresh');
      clock.ms += 1_001;
      expect(await a.decision('key')).toBe(after);
    },
  );

  it('does not stay with a stale value that another process replaced', async () => {
    const [a, b] = users as [StoreUser, StoreUser];
    await a.fetched('key', 'old', { ttl: 1_000 });
    clock.ms += 1_001;
    await b.fetched('key', 'new');
    expect(await a.served('key')).toBe('new');
  });

  it('serves what is stale in memory while Redis is away, and says that there is no answer about the rest', async () => {
    const [a] = users as [StoreUser];
    await a.fetched('key', 'old', { ttl: 1_000 });
    clock.ms += 1_001;
    const away = new FlakyAdapter({});
    away.down = true;
    const { store, user } = storeOver({ clock: off(clock.ms), stores: [near[0] as Keyv, away] });
    expect(await user.served('key')).toBe('old');
    await expect(store.read('other')).rejects.toMatchObject({ code: 'E_STORE', operation: 'read' });
    await expect(store.readMany(['key', 'other'])).rejects.toMatchObject({ code: 'E_STORE' });
  });
});
