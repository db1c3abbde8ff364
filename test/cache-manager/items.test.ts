import KeyvRedis from '@keyv/redis';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Test } from '@nestjs/testing';
import { type Cache, createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { Keyv } from 'keyv';
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';

import { LONGEST } from '../../lib/core/policy/duration.js';
import { FlakyAdapter } from './flaky-adapter.js';
import { storeOver } from './store-over.js';

const values: [string, unknown][] = [
  ['text', 'žluťoučký 日本 \u0000 :base64: \ud83d\ude00'],
  ['date', new Date(0)],
  ['map', new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]])],
  ['bytes', Buffer.from([0, 255, 10, 58])],
  ['typed', new Float64Array([Number.NaN, -0])],
  ['numbers', [Number.NaN, Number.POSITIVE_INFINITY, -0, 123n]],
  ['nothing', [undefined, null]],
  ['long', 'x'.repeat(100_000)],
];

describe('values', () => {
  const prefix = `test:${randomUUID()}`;
  it.each([
    ['createCache()', () => ({ cache: createCache() })],
    ['new Keyv()', () => ({ stores: new Keyv() })],
    ['a compressing Keyv', () => ({ stores: new Keyv({ compression: reversing }) })],
    ['Redis', () => ({ prefix, stores: new KeyvRedis(inject('redisUrl')) })],
  ])('come back equal from %s, each time anew', async (_, source) => {
    const { store, user } = storeOver(source());
    for (const [name, value] of values) {
      await user.fetched(name, value);
      expect(await user.served(name)).toEqual(value);
    }
    const map = (await user.served('map')) as Map<unknown, unknown>;
    map.clear();
    expect(await user.served('map')).toEqual(values[2]?.[1]);
    await store.close();
  });
});

describe('the ttl that a store is given', () => {
  it('is whole, at least 1 ms and never for ever', async () => {
    const adapter = new FlakyAdapter({});
    const { store, user } = storeOver({ stores: new Keyv({ store: adapter }) });
    for (const [ttl, grace] of [
      [0.1, 0.1],
      [1.5, 0],
      [0, 3.3],
      [LONGEST, LONGEST],
      [1_000, 0],
    ] as const) {
      await user.set('key', 1, { ttl, grace, tags: ['tag'] });
      await user.set('untagged', 1, { ttl, grace });
    }
    await user.failed('key', 0.5);
    await store.invalidateTags(['tag']);
    await store.invalidate('untagged');
    await store.clear();
    expect(adapter.ttls.length).toBeGreaterThan(20);
    for (const ttl of adapter.ttls) expect(ttl).toSatisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 1);
  });

  it('of an entry ends with its grace, of a tag outlives all that has it', async () => {
    const redis = new Redis(inject('redisUrl'));
    const prefix = `test:${randomUUID()}`;
    const { store, user } = storeOver({ prefix, stores: new KeyvRedis(inject('redisUrl')) });
    const days = async (name: string): Promise<number> =>
      Math.round((await redis.pttl(`${prefix}:${name}`)) / 86_400_000);
    await user.fetched('a', 1, { ttl: 86_400_000, grace: 2 * 86_400_000 });
    await user.fetched('b', 1, { ttl: LONGEST, grace: LONGEST });
    await user.fetched('c', 1, { ttl: LONGEST, grace: LONGEST, tags: ['tag'] });
    await store.invalidateTags(['tag']);
    await store.clear();
    expect(await Promise.all(['e:a', 'e:b', 'e:c', 't:tag', 'tags', 'cleared'].map(days))).toEqual([
      3, 7_300, 60, 60, 60, 10_950,
    ]);
    await user.fetched('key', 1, { ttl: 86_400_000, grace: 2 * 86_400_000 });
    await store.delete('key');
    expect(Math.round((await redis.pttl(`${prefix}:k:key`)) / 60_000)).toBe(60);
    expect(await redis.exists(`${prefix}:e:key`)).toBe(0);
    await user.fetched('key', 1, { ttl: 86_400_000, grace: 2 * 86_400_000 });
    await store.invalidate('key');
    expect(await days('k:key')).toBe(3);
    await store.close();
    redis.disconnect();
  });
});

describe('clear', () => {
  it('leaves what is not ours, and frees the memory of what is', async () => {
    const cache = createCache();
    await cache.set('mine', 'stays');
    await cache.set('app', 'stays');
    const other = storeOver({ cache, prefix: 'application' });
    const { store, user } = storeOver({ cache });
    await other.user.fetched('key', 'of another application', { tags: ['tag'] });
    for (let n = 0; n < 10; n++) await user.fetched(`${n}`, n);
    await store.clear();
    await store.deleteTags(['tag']);
    expect(await cache.get('mine')).toBe('stays');
    expect(await cache.get('app')).toBe('stays');
    expect(await other.user.served('key')).toBe('of another application');
    expect(
      [...(cache.stores[0]?.store as Map<string, unknown>).keys()].filter((name) => name.includes(':app:e:')),
    ).toEqual([]);
  });

  it('in Redis leaves foreign items, and makes its own invisible', async () => {
    const redis = new Redis(inject('redisUrl'));
    const prefix = `test:${randomUUID()}`;
    const { store, user } = storeOver({ prefix, stores: new KeyvRedis(inject('redisUrl')) });
    await redis.set(`${prefix}:mine`, 'stays');
    await user.fetched('key', 'value');
    await store.clear();
    expect(await redis.get(`${prefix}:mine`)).toBe('stays');
    expect(await store.read('key')).toBe(undefined);
    await user.fetched('key', 'new');
    expect(await user.served('key')).toBe('new');
    await store.close();
    redis.disconnect();
  });
});

describe('close', () => {
  it('disconnects the stores it was given', async () => {
    const adapter = new KeyvRedis(inject('redisUrl'));
    const { store } = storeOver({ prefix: `test:${randomUUID()}`, stores: adapter });
    await store.read('key');
    await store.close();
    expect(adapter.client.isOpen).toBe(false);
    await store.close();
  });

  it('leaves an existing cache as it was', async () => {
    const adapter = new KeyvRedis(inject('redisUrl'));
    const keyv = new Keyv({ store: adapter });
    const listeners = keyv.listeners('error').length;
    const { store } = storeOver({ prefix: `test:${randomUUID()}`, cache: createCache({ stores: [keyv] }) });
    await store.read('key');
    await store.close();
    expect(adapter.client.isOpen).toBe(true);
    expect(keyv.listeners('error').length).toBe(listeners);
    await keyv.disconnect();
  });
});

describe('beside the host', () => {
  it("uses the namespace and the stores of the CacheModule, and the host's own entries stay readable", async () => {
    const map = new Map<string, unknown>();
    const module = await Test.createTestingModule({
      imports: [CacheModule.register({ stores: new Keyv({ store: map, namespace: 'host' }), ttl: 5_000 })],
    }).compile();
    const cache = module.get<Cache>(CACHE_MANAGER);
    const { user } = storeOver({ cache });
    await cache.set('own', { a: 1 });
    await user.fetched('key', 'value');
    expect([...map.keys()]).toEqual(['host:own', 'host:app:e:key']);
    expect(await cache.get('own')).toEqual({ a: 1 });
    await module.close();
  });

  it('keeps the namespace that a store was given', async () => {
    const redis = new Redis(inject('redisUrl'));
    const namespace = `test:${randomUUID()}`;
    const { store, user } = storeOver({ stores: new KeyvRedis(inject('redisUrl'), { namespace }) });
    await user.fetched('key', 'value');
    expect(await redis.keys(`${namespace}*`)).toEqual([`${namespace}::app:e:key`]);
    await store.close();
    redis.disconnect();
  });
});

/** Entries of version 1 must stay readable for ever, or be misses that are reported. */
describe('what was stored by version 1', () => {
  const until = 9_000_000_000_000;
  let keyv: Keyv;
  beforeEach(async () => {
    keyv = new Keyv();
    await keyv.set('app:e:plain', `entry/1 ["value",1700000000000,${until},5000,"gen",[],[5,0]]\nansiYSI6MX0=`);
    await keyv.set('app:e:tagged', `entry/1 ["value",1700000000000,${until},5000,"gen",["x","ž"],[5,6,7,8]]\nanRydWU=`);
    await keyv.set('app:e:error', `entry/1 ["error",1700000000000.5,${until},0,"gen",[],[5,0]]\nam51bGw=`);
    await keyv.set('app:f:plain', `failure/1 [2,"down",1700000000000,1700000060000,"gen",5,0,${until}]`);
    for (const name of ['app:cleared', 'app:k:tagged', 'app:t:x', 'app:tags']) await keyv.set(name, 'stamp/1 5 0 5');
  });
  afterEach(() => keyv.clear());

  it('is read', async () => {
    const { store } = storeOver({ stores: keyv });
    const [plain, tagged, error] = await store.readMany(['plain', 'tagged', 'error']);
    const failure = { count: 2, message: 'down', at: 1_700_000_000_000, retryAt: 1_700_000_060_000 };
    const common = {
      copyOnRead: false,
      inheritedAge: 0,
      storedAt: 1_700_000_000_000,
      freshUntil: until,
      generation: 'gen',
    };
    expect(plain).toEqual({ ...common, kind: 'value', value: { a: 1 }, grace: 5_000, tags: [], failure });
    expect(tagged).toEqual({
      ...common,
      kind: 'value',
      value: true,
      grace: 5_000,
      tags: ['x', 'ž'],
      failure: undefined,
    });
    expect(error).toEqual({
      ...common,
      kind: 'error',
      value: null,
      storedAt: 1_700_000_000_000.5,
      grace: 0,
      tags: [],
      failure: undefined,
    });
  });

  it('is of now where its host was ahead: hosts with different clocks do not refresh each other for ever', async () => {
    const clock = { now: () => 1_699_999_940_000, schedule: () => () => undefined, defer: setImmediate };
    const { store, user } = storeOver({ stores: keyv, clock });
    expect(await store.read('error')).toMatchObject({ storedAt: 1_699_999_940_000 });
    expect(await user.decision('error')).toBe('fresh');
  });

  it('is written still, and the stamp of the job behind it, which that version ignores', async () => {
    const clock = { now: () => 1_700_000_000_000, schedule: () => () => undefined, defer: setImmediate };
    const { store, user } = storeOver({ stores: keyv, clock });
    await user.set('key', { a: 1 }, { ttl: 1_000, grace: 5_000, tags: ['x'] });
    expect(await keyv.get('app:e:key')).toMatch(
      /^entry\/1 \["value",1700000000000,1700000001000,5000,"[\w-]{12}",\["x"\],\[5,1700000000000,5\],0\]\nansiYSI6MX0=$/,
    );
    expect(await keyv.get('app:k:key')).toBe('stamp/1 1700000000000 1700000000000 1700000000000');
    await store.invalidate('key');
    expect(await keyv.get('app:k:key')).toBe('stamp/1 1700000000001 1700000000000 1700000000001');
    await user.failed('key', 60_000);
    expect(await keyv.get('app:f:key')).toMatch(
      /^failure\/1 \[1,"origin is down",1700000000000,1700000060000,"[\w-]{12}",5,1700000000001,1700000180000\]$/,
    );
  });
});

const reversing = {
  compress: async (value: string) => Array.from(value).reverse().join(''),
  decompress: async (value: string) => Array.from(value).reverse().join(''),
};
