import { readFileSync } from 'node:fs';

import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

import { isFresh } from '../../lib/core/decide.js';
import { CorruptEntryError } from '../../lib/core/errors.js';
import type { Entry } from '../../lib/core/entry.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';
import { decodeEntry } from '../../lib/redis/stored-format.js';
import { StoreSchedule } from '../../lib/testing/store-schedule.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore, type OpenRedisStore } from '../support/open-redis-store.js';

interface Frozen {
  readonly entries: readonly { readonly fields: Record<string, string>; readonly reads: Partial<Entry> }[];
  readonly leases: readonly { readonly value: string; readonly token: string }[];
}

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.disconnect());

const opened: OpenRedisStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ store }) => store.close()));
});

const open = (): OpenRedisStore & { user: StoreUser } => {
  const open = openRedisStore(inject('redisUrl'));
  opened.push(open);
  const { store } = open;
  const advance = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return { ...open, user: new StoreUser({ store, advance, close: async () => undefined }) };
};

describe('an entry of a Cluster, whose masters have clocks of their own', () => {
  const codec = new MsgpackrCodec();
  const entryOf = (header: string, now?: number): Entry | undefined =>
    decodeEntry([Buffer.from(header), codec.encode(1)], codec, 'key', now);

  it('that a master stored which is ahead counts as of now, and is fresh', () => {
    const header = '1 value 100000.000 160000.000 0.000 token []';
    const entry = entryOf(header, 90_000);
    expect(entry?.storedAt).toBe(90_000);
    expect(entry && isFresh(entry, 90_000)).toBe(true);
    const control = entryOf(header);
    expect(control && isFresh(control, 90_000)).toBe(false);
  });

  it('that was invalidated there is not fresh', () => {
    const entry = entryOf('1 value 100000.000 99999.000 60000.000 token []', 90_000);
    expect(entry && isFresh(entry, 90_000)).toBe(false);
  });
});

/** Waits until background work is done. */
const settled = async (gone: () => Promise<boolean>): Promise<void> => {
  await expect.poll(gone, { interval: 2 }).toBe(true);
};

describe('what earlier versions stored', () => {
  const frozen = JSON.parse(
    readFileSync(new URL('../fixtures/redis-entry-v1.json', import.meta.url), 'utf8'),
  ) as Frozen;

  it.each(frozen.entries)('$reads.kind $reads.generation is read', async ({ fields, reads }) => {
    const { store, prefix, corrupt } = open();
    for (const [field, base64] of Object.entries(fields)) {
      await redis.hset(`${prefix}:e:{key}`, field, Buffer.from(base64, 'base64'));
    }
    await redis.pexpire(`${prefix}:e:{key}`, 60_000);
    expect(await store.read('key')).toMatchObject(reads);
    expect(corrupt).toEqual([]);
    const acquired = await store.acquire('key', {
      lease: 1,
      generation: reads.generation,
      respectBackoff: false,
      takeOver: false,
    });
    expect(acquired).toMatchObject({ kind: 'granted', failures: reads.failure?.count ?? 0 });
  });

  it.each(frozen.leases)('a lease is respected: $value', async ({ value, token }) => {
    const { store, prefix, user } = open();
    await redis.set(`${prefix}:l:{key}`, value, 'PX', 60_000);
    expect(await user.acquire('key')).toMatchObject({ kind: 'busy', token });
    const lease = { key: 'key', token, grantedAt: store.now() };
    expect(await user.commit(lease, 1, { tags: ['tag'] })).toBe(value === `+${token}` ? 'stored' : 'revoked');
  });
});

describe('what cannot be read', () => {
  const header = '1 value 1000.000 9999999999999.000 5.000 g []';
  const unreadable: [what: string, fields: Record<string, string | Buffer>][] = [
    ['a header without sense', { h: 'nonsense', v: 'j1' }],
    ['an empty header', { h: '', v: 'j1' }],
    ['numbers that are none', { h: '1 value x y z g []', v: 'j1' }],
    ['tags that are no JSON', { h: header.replace('[]', '[x]'), v: 'j1' }],
    ['no header', { v: 'j1' }],
    ['no value', { h: header }],
    ['a value of another format', { h: header, v: 'gibberish' }],
    ['a damaged value', { h: header, v: 'j{"a":' }],
    ['bytes', { h: header, v: Buffer.from([0x6d, 0xff, 0x00, 0xc1]) }],
    ['a failure without sense', { h: header, v: 'j1', x: 'often' }],
  ];

  it.each(unreadable)('is a miss, reported once and removed: %s', async (_, fields) => {
    const { store, prefix, corrupt, user } = open();
    const name = `${prefix}:e:{key}`;
    await redis.hset(name, fields);
    await redis.pexpire(name, 60_000);
    expect(await Promise.all([store.read('key'), store.read('key')])).toEqual([undefined, undefined]);
    expect(corrupt).toEqual([{ key: 'key', error: expect.any(CorruptEntryError) as unknown }]);
    await settled(async () => (await redis.exists(name)) === 0);
    await user.fetched('key', 'value');
    expect(await user.served('key')).toBe('value');
  });

  const later = { h: header.replace('1', '2'), v: 'j1' };

  it('is a miss and stays if a newer release wrote it; the first is reported', async () => {
    const { store, prefix, corrupt, user } = open();
    for (const key of ['a', 'b']) await redis.hset(`${prefix}:e:{${key}}`, later);
    expect(await store.readMany(['a', 'b', 'a'])).toEqual([undefined, undefined, undefined]);
    expect(corrupt).toEqual([{ key: 'a', error: expect.any(CorruptEntryError) as unknown }]);
    expect(await redis.hgetall(`${prefix}:e:{a}`)).toEqual(later);
    await user.fetched('a', 'value');
    expect(await user.served('a')).toBe('value');
    expect(await redis.hgetall(`${prefix}:e:{b}`)).toEqual(later);
  });

  const strangers: [what: string, put: (name: string) => Promise<unknown>][] = [
    ['a string', (name) => redis.set(name, 'x')],
    ['a list', (name) => redis.rpush(name, 'x')],
    ['a set', (name) => redis.sadd(name, 'x')],
    ['a sorted set', (name) => redis.zadd(name, 1, 'x')],
    ['a stream', (name) => redis.xadd(name, '*', 'x', 'y')],
  ];

  it.each(strangers)('is a miss, reported and removed: %s of another application', async (_, put) => {
    const { store, prefix, corrupt } = open();
    await put(`${prefix}:e:{key}`);
    expect(await store.readMany(['key', 'other', 'key'])).toEqual([undefined, undefined, undefined]);
    expect(corrupt.map(({ key }) => key)).toEqual(['key']);
    await settled(async () => (await redis.exists(`${prefix}:e:{key}`)) === 0);
  });

  it.each([
    ...[...unreadable, ['a later format', later] as const].map(
      ([what, fields]) => [what, (name: string) => redis.hset(name, fields)] as const,
    ),
    ...strangers,
  ])('is in nobody’s way: %s', async (_, put) => {
    const { store, prefix, user } = open();
    const names = ['e', 'l', 't', 's'].map(
      (kind) => `${prefix}:${kind}:{${kind === 't' || kind === 's' ? 'tag' : 'key'}}`,
    );
    const spoil = async (): Promise<void> => {
      await redis.unlink(...names);
      for (const name of names) await put(name);
    };
    await spoil();
    const granted = await user.grant('key', { takeOver: true });
    await spoil();
    await redis.set(names[1] ?? '', `+${granted.lease.token}`, 'PX', 60_000);
    expect(await user.commit(granted.lease, 1, { tags: ['tag'] })).toBe('stored');
    for (const operate of [
      () => user.set('key', 2, { tags: ['tag'] }),
      () => store.invalidate('key'),
      () => store.delete('key'),
      () => store.release(granted.lease, { kind: 'unfilled' }),
      () => store.renew(granted.lease, 1),
      () => store.clear(),
    ]) {
      await spoil();
      await operate();
    }
    await redis.unlink(...names);
    await user.fetched('key', 'value');
    expect(await user.served('key')).toBe('value');
  });
});

describe('every key', () => {
  it('ends by itself, whatever was done', async () => {
    const { store, prefix, user } = open();
    for (let seed = 0; seed < 30; seed++) await new StoreSchedule(user, `key ${String(seed)}`, seed).run();
    await user.failed('vacant');
    await user.lease('held');
    await user.fetched('for ever', 1, { ttl: Infinity, grace: Infinity, tags: ['tag'] });
    await user.set('fraction', 1, { ttl: 0.4, grace: 100_000.7 });
    await user.lease('fraction', { lease: 1_000.5 });
    await user.failed('fractions', 1_000.5);
    await store.invalidateTags(['tag', 'unknown']);
    await store.deleteTags(['unknown']);
    const names = await redis.keys(`${prefix}:*`);
    expect(new Set(names.map((name) => name.slice(prefix.length, prefix.length + 3)))).toEqual(
      new Set([':e:', ':l:', ':t:', ':s:', ':r:']),
    );
    for (const name of names) expect([name, (await redis.pttl(name)) > 0]).toEqual([name, true]);
  });

  it('of an entry lives as long as the entry may be served, and leases as long as they last', async () => {
    const { store, prefix, user } = open();
    const pttl = (kind: string): Promise<number> => redis.pttl(`${prefix}:${kind}:{key}`);
    await user.fetched('key', 1, { ttl: 5_000, grace: 20_000 });
    expect(Math.abs((await pttl('e')) - 25_000)).toBeLessThan(3_000);
    const lease = await user.lease('key', { lease: 7_000 });
    await store.invalidate('key');
    expect(Math.abs((await pttl('e')) - 25_000)).toBeLessThan(3_000);
    expect(Math.abs((await pttl('l')) - 7_000)).toBeLessThan(3_000);
    await store.release(lease, { kind: 'failed', message: 'down', retryIn: 300_000 });
    expect(Math.abs((await pttl('e')) - 660_000)).toBeLessThan(3_000);
    expect(await pttl('l')).toBe(-2);
  });
});
