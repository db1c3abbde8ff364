import type { Cluster, Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';

import type { Store } from '../../lib/core/ports.js';
import { describeStore, type StoreContract } from '../../lib/testing/store-contract.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore, type OpenOptions, type OpenRedisStore } from '../support/open-redis-store.js';
import { FENCE_TESTS, runContract } from '../support/run-contract.js';
import { hold } from './hold.js';

const framework = { afterEach, beforeEach, describe, expect, it };
const capabilities = { shared: true, fence: 'cluster' } as const;
const QUARTER = 15 * 60_000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const opened: OpenRedisStore[] = [];
const open = (options?: OpenOptions): OpenRedisStore => {
  const open = openRedisStore(inject('redisUrl'), options);
  opened.push(open);
  return open;
};
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map(({ store }) => store.close()));
});

const userOf = (store: Store): StoreUser => new StoreUser({ store, advance: wait, close: async () => undefined });

/** Sends each call to the next store, as if each step was made by another process. */
function inTurns(stores: readonly [Store, ...Store[]]): Store {
  let turn = 0;
  return new Proxy(stores[0], {
    get: (_, name: keyof Store) => {
      const store = stores[turn++ % stores.length] as Store;
      const member = store[name];
      return typeof member === 'function' ? (member as () => unknown).bind(store) : member;
    },
  });
}

const contractOf = (options?: OpenOptions): StoreContract => ({
  create: async () => {
    const { store } = openRedisStore(inject('redisUrl'), options);
    return { store, advance: (ms) => wait(ms + 2), close: () => store.close() };
  },
  capabilities,
});

describeStore('RedisStore', contractOf(), framework);

describeStore(
  'RedisStore in three processes, two of them with a wrong clock',
  {
    create: async () => {
      const first = openRedisStore(inject('redisUrl'));
      const { prefix } = first;
      const others = [-QUARTER, QUARTER].map((error) => {
        const clock = { now: () => Date.now() + error, schedule: () => () => undefined, defer: () => undefined };
        return openRedisStore(inject('redisUrl'), { prefix, clock }).store;
      });
      const stores: [Store, ...Store[]] = [first.store, ...others];
      const close = async (): Promise<void> => void (await Promise.all(stores.map(async (each) => each.close())));
      return { store: inTurns(stores), advance: (ms) => wait(ms + 2), close };
    },
    capabilities,
  },
  framework,
);

it('without the check of the token fails the tests of the fence', async () => {
  const tamper = (client: Redis | Cluster): void => {
    const define = client.defineCommand.bind(client);
    client.defineCommand = (name, definition) => {
      const check = "if not holder or holder.token ~= ARGV[1] then return { text(now), 'lost' } end";
      const none = "holder = holder or { revoked = false, tags = '' }";
      if (name.endsWith(':commit') && !definition.lua.includes(check)) throw new Error('There is no check to remove');
      define(name, { ...definition, lua: definition.lua.replace(check, none) });
    };
  };
  const { passed, failed } = await runContract((collecting) => {
    describeStore('unfenced', contractOf({ tamper }), collecting);
  });
  expect(failed).toEqual(expect.arrayContaining(FENCE_TESTS));
  expect(passed.length).toBeGreaterThan(failed.length);
}, 60_000);

describe('RedisStore', () => {
  it('goes by the time of the server, whatever the host says', async () => {
    const { client } = open();
    for (const error of [-QUARTER, QUARTER]) {
      vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + error);
      const { store } = open();
      expect(Math.abs(store.now() - Date.now())).toBeLessThan(60_000);
      const user = userOf(store);
      await user.fetched('key', 'value');
      const [seconds, microseconds] = await client.time();
      const server = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
      expect(Math.abs(store.now() - server)).toBeLessThan(1_000);
      expect(await user.decision('key')).toBe('fresh');
      await store.invalidate('key');
      expect(await user.decision('key')).toBe('stale');
      vi.restoreAllMocks();
    }
  });

  it('keeps two prefixes apart', async () => {
    const prefixes = ['app', 'app:e', 'ap?', 'a*', 'app}', '{app}'].map((name) => `${name}${String(process.pid)}`);
    const stores = prefixes.map((prefix) => open({ prefix }).store);
    for (const [index, store] of stores.entries()) await userOf(store).fetched('key', index, { tags: ['tag'] });
    for (const [index, store] of stores.entries()) {
      expect((await store.read('key'))?.value).toBe(index);
      const lease = await userOf(store).lease('key');
      await store.invalidateTags(['tag']);
      await store.clear();
      expect(await userOf(store).commit(lease, 'late')).toBe('lost');
      const left = await Promise.all(stores.map((each) => userOf(each).decision('key')));
      expect(left).toEqual(prefixes.map((_, other) => (other <= index ? 'miss' : 'fresh')));
    }
  });

  it('gives concurrent readers of a key values of their own', async () => {
    const { store } = open();
    await userOf(store).fetched('key', { bytes: Buffer.from('abc'), list: [1] });
    const entries = await Promise.all([store.read('key'), store.read('key'), store.read('key')]);
    const values = entries.map((entry) => entry?.value as { bytes: Buffer; list: number[] });
    values[0]?.bytes.fill(0);
    values[0]?.list.push(2);
    expect(values.slice(1)).toEqual([1, 2].map(() => ({ bytes: Buffer.from('abc'), list: [1] })));
  });
});

describe('a process that stands still', () => {
  const pair = (): [OpenRedisStore, OpenRedisStore] => {
    const slow = open();
    return [slow, open({ prefix: slow.prefix })];
  };

  it('before its commit is refused, or taken as stale, whatever came meanwhile', async () => {
    for (const [what, expected] of [
      ['delete', 'lost'],
      ['invalidate', 'stale'],
      ['clear', 'lost'],
    ] as const) {
      const [slow, other] = pair();
      await userOf(other.store).fetched('key', 'old');
      const lease = await userOf(slow.store).lease('key');
      const { reached, release } = hold(slow.client, 'commit');
      const commit = userOf(slow.store).commit(lease, 'late');
      await reached;
      if (what === 'clear') await other.store.clear();
      else await other.store[what]('key');
      release();
      expect(await commit).toBe(expected);
      expect(await userOf(other.store).served('key')).toBe(what === 'invalidate' ? 'late' : undefined);
    }
  });

  it('between reading the stamps and its commit is refused for the tags it has, and for no others', async () => {
    for (const operation of ['invalidateTags', 'deleteTags'] as const) {
      const [slow, other] = pair();
      await userOf(other.store).fetched('key', 'old', { tags: ['former'] });
      await userOf(other.store).fetched('key', 'old', { tags: ['other'] });
      for (const [tag, expected] of [
        ['former', 'stored'],
        ['tag', operation === 'invalidateTags' ? 'stale' : 'revoked'],
      ] as const) {
        const lease = await userOf(slow.store).lease('key');
        const { reached, release } = hold(slow.client, 'commit');
        const commit = userOf(slow.store).commit(lease, 'late', { tags: ['some', 'tag'] });
        await reached;
        await other.store[operation](['unknown', tag]);
        release();
        expect(await commit).toBe(expected);
        await other.store.set('key', userOf(slow.store).fill('old'));
      }
    }
  });

  it('in the middle of a set leaves it where its tags find it', async () => {
    const [slow, other] = pair();
    const { reached, release } = hold(slow.client, 'set');
    const set = userOf(slow.store).set('key', 'value', { tags: ['tag'] });
    await reached;
    // Removes the key from the index, where it is of no use yet.
    await other.store.invalidateTags(['tag']);
    release();
    await set;
    expect(await userOf(other.store).decision('key')).toBe('fresh');
    await other.store.deleteTags(['tag']);
    expect(await other.store.read('key')).toBeUndefined();
  });

  it('does not put out of the index what came in meanwhile', async () => {
    const [slow, other] = pair();
    await userOf(other.store).fetched('key', 'old', { tags: ['tag'] });
    await other.store.delete('key');
    const { reached, release } = hold(slow.client, 'untag');
    const invalidation = slow.store.invalidateTags(['tag']);
    await reached;
    await userOf(other.store).fetched('key', 'new', { tags: ['tag'] });
    release();
    await invalidation;
    expect(await userOf(other.store).decision('key')).toBe('fresh');
    await other.store.invalidateTags(['tag']);
    expect(await userOf(other.store).decision('key')).toBe('stale');
  });

  it('does not remove what replaced an entry that it could not read', async () => {
    const [slow, other] = pair();
    await other.store.read('key');
    await other.client.hset(`${slow.prefix}:e:{key}`, 'h', 'nonsense');
    const { reached, release } = hold(slow.client, 'discard');
    expect(await slow.store.read('key')).toBeUndefined();
    await reached;
    await userOf(other.store).fetched('key', 'value');
    release();
    await userOf(slow.store).lease('later');
    expect(await userOf(other.store).served('key')).toBe('value');
  });
});
