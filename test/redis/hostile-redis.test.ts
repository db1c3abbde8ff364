import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Lease } from '../../lib/core/ports.js';
import { KeyNames } from '../../lib/redis/key-names.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { openRedisStore, type OpenRedisStore } from '../support/open-redis-store.js';

let redis: Redis;
beforeAll(() => {
  redis = new Redis(inject('redisUrl'));
});
afterAll(() => redis.disconnect());

const opened: OpenRedisStore[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ store }) => store.close()));
});

function open(prefix?: string): OpenRedisStore & { user: StoreUser } {
  const own = openRedisStore(inject('redisUrl'), prefix === undefined ? {} : { prefix });
  opened.push(own);
  const user = new StoreUser({ store: own.store, advance: () => Promise.resolve(), close: () => Promise.resolve() });
  return { ...own, user };
}

const MINUTE = 60_000;
const headerWith = (tags: string): string => {
  const now = Date.now();
  return `1 value ${now.toFixed(3)} ${(now + MINUTE).toFixed(3)} ${MINUTE}.000 token ${tags}`;
};

describe('what somebody else wrote in the place of what the scripts expect', () => {
  it.each(['5', '"a"', 'null', 'true', '{}', '[1]', '[null]', '[["tag"]]', 'x', '', '["tag'])(
    'tags %s in an entry: an invalidation and a removal of its tag reach the others, and it is not fresh any more',
    async (tags) => {
      for (const operation of ['invalidateTags', 'deleteTags'] as const) {
        const { store, user, prefix } = open();
        await user.fetched('whole', 1, { tags: ['tag'] });
        await user.fetched('broken', 2, { tags: ['tag'] });
        await redis.hset(`${prefix}:e:{broken}`, 'h', headerWith(tags));
        await store[operation](['tag']);
        expect(await user.decision('whole')).toBe(operation === 'deleteTags' ? 'miss' : 'stale');
        expect(await user.decision('broken')).not.toBe('fresh');
        expect((await user.grant('broken')).kind).toBe('granted');
      }
    },
  );

  it.each(['nan', 'inf', '0x10', '1e3', '-5', '9'.repeat(400)])(
    'a time %s in an entry: nothing rejects',
    async (time) => {
      const { store, user, prefix } = open();
      await user.fetched('key', 1, { tags: ['tag'] });
      await redis.hset(`${prefix}:e:{key}`, 'h', `1 value ${time} ${time} ${time} token ["tag"]`);
      await store.invalidateTags(['tag']);
      await store.invalidateAll('');
      expect(await store.read('key')).toBeUndefined();
      await user.fetched('key', 2);
    },
  );

  it.each([
    ['a text', (name: string) => redis.set(name, 'x')],
    ['a list', (name: string) => redis.rpush(name, 'x')],
    ['a hash', (name: string) => redis.hset(name, 'x', 'x')],
    ['a stream', (name: string) => redis.xadd(name, '*', 'a', 'b')],
  ])('%s in the place of an index, an entry, a lease and the stamps: all is healed', async (_, write) => {
    const { store, user, prefix } = open();
    await user.fetched('key', 1, { tags: ['tag'] });
    await user.fetched('untagged', 1);
    for (const name of [
      `${prefix}:t:{tag}`,
      `${prefix}:s:{tag}`,
      `${prefix}:r:{tag}`,
      `${prefix}:e:{other}`,
      `${prefix}:l:{other}`,
    ]) {
      await redis.unlink(name);
      await write(name);
    }
    await store.invalidateTags(['tag']);
    expect(await user.decision('key')).toBe('stale');
    expect(await user.decision('untagged')).toBe('fresh');
    await user.fetched('other', 2, { tags: ['tag'] });
    await store.deleteTags(['tag']);
    expect(await store.read('key')).toBeUndefined();
    expect(await store.read('other')).toBeUndefined();
    await store.clear();
    expect(await redis.keys(`${prefix}:[el]:*`)).toEqual([]);
  });

  it('a lease without an expiry ends within ten seconds of the next look at it', async () => {
    const { user, prefix } = open();
    await user.lease('key', { lease: 5_000 });
    await redis.persist(`${prefix}:l:{key}`);
    expect(await user.acquire('key', { lease: 5_000 })).toMatchObject({ kind: 'busy', remaining: 10_000 });
    expect(await redis.pttl(`${prefix}:l:{key}`)).toBeGreaterThan(0);
  });

  it('a count of failures without an end: the next failure is counted, and the entry can be read', async () => {
    const { store, user, prefix } = open();
    await user.fetched('key', 1);
    await redis.hset(`${prefix}:e:{key}`, 'x', `${'9'.repeat(15)} 1.000 2.000 boom`);
    await user.failed('key');
    expect((await store.read('key'))?.failure?.count).toBe(1_000_001);
  });

  const digits = '9'.repeat(200_000);

  it.each(['x', '', 'nan', 'inf', '1e300', '9'.repeat(15), '9'.repeat(400), `${digits}x`])(
    'a stamp of a tag that is no time, or far in the future, is in the way of no value, and is replaced (%#)',
    async (written) => {
      const { store, user, prefix } = open();
      for (const kind of ['s', 'r']) await redis.set(`${prefix}:${kind}:{tag}`, written);
      await user.fetched('key', 1, { tags: ['tag'] });
      const lease = await user.lease('other');
      await store.deleteTags(['tag']);
      expect(await user.commit(lease, 1, { tags: ['tag'] })).toBe('revoked');
      expect(await user.decision('key')).toBe('miss');
      await user.fetched('key', 2, { tags: ['tag'] });
      for (const kind of ['s', 'r']) expect(await redis.pttl(`${prefix}:${kind}:{tag}`)).toBeGreaterThan(0);
    },
  );

  it('a row of 200,000 digits in the place of a time does not make Redis stand still', async () => {
    const { store, user, prefix } = open();
    const now = Date.now().toFixed(3);
    for (const header of [`${digits}x ${now} ${now}`, `${now} ${digits}x ${now}`, `${now} ${now} ${digits}x`]) {
      await redis.hset(`${prefix}:e:{key}`, 'h', `1 value ${header} token ["tag"]`);
      await store.invalidateTags(['tag']);
      expect((await user.grant('key')).kind).toBe('granted');
      await store.delete('key');
    }
    await user.fetched('key', 1);
    await redis.hset(`${prefix}:e:{key}`, 'x', `1 ${digits}x ${digits}x boom`);
    await store.invalidate('key');
    // A reader cannot read the failure either, so for it the entry is a corrupt one.
    expect(await user.decision('key')).toBe('miss');
    await user.fetched('key', 2);
  });

  it('one tag invalidated 6,000 times, and 6,000 tags, during one fetch: its lease stays below 10 KB, and nothing is forgotten', async () => {
    const { store, user, prefix } = open();
    const tags = Array.from({ length: 6_000 }, (_, at) => `tag ${String(at)}`);
    // Only a key that is in the index is visited: each of these tags has been one of its own once.
    for (const tag of tags) await redis.zadd(`${prefix}:t:{${tag}}`, Date.now() + MINUTE, 'key');
    const lease = await user.lease('key');
    for (let times = 0; times < 600; times++) await store.invalidateTags(['tag 0']);
    expect(await redis.strlen(`${prefix}:l:{key}`)).toBeLessThan(200);
    await store.invalidateTags(tags);
    expect(await redis.strlen(`${prefix}:l:{key}`)).toBeLessThan(10_000);
    expect(await user.commit(lease, 1, { tags: ['tag 5999'] })).toBe('revoked');
  });
});

/** The server's clock is set back by `ms`: seen from then on, all that is stored lies later by as much. */
async function setBack(prefix: string, ms: number, leases: readonly Lease[] = []): Promise<void> {
  const later = (instant: string | undefined): string => (Number(instant) + ms).toFixed(3);
  for (const name of await redis.keys(`${prefix}:*`)) {
    const kind = name[prefix.length + 1];
    const left = await redis.pttl(name);
    if (kind === 'e') {
      const [head = '', failure] = await redis.hmget(name, 'h', 'x');
      const [version, state, storedAt, freshUntil, ...rest] = (head ?? '').split(' ');
      await redis.hset(name, 'h', [version, state, later(storedAt), later(freshUntil), ...rest].join(' '));
      const [count, at, retryAt, ...message] = (failure ?? '').split(' ');
      if (failure) await redis.hset(name, 'x', [count, later(at), later(retryAt), ...message].join(' '));
    }
    if (kind === 's' || kind === 'r') await redis.set(name, later((await redis.get(name)) ?? ''), 'KEEPTTL');
    if (left + ms > 0) await redis.pexpire(name, left + ms);
    else await redis.unlink(name);
  }
  for (const lease of leases) Object.assign(lease, { grantedAt: lease.grantedAt + ms });
}

describe.each([1_000, 60_000, 600_000, -1_000, -60_000, -600_000])(
  'G16: the clock of the server is set back by %d ms',
  (ms) => {
    it('what was invalidated is not fresh again', async () => {
      const { store, user, prefix } = open();
      await user.fetched('one', 1);
      await user.fetched('tagged', 1, { tags: ['tag'] });
      await store.invalidate('one');
      await store.invalidateTags(['tag']);
      await setBack(prefix, ms);
      for (const key of ['one', 'tagged']) expect(await user.decision(key)).not.toBe('fresh');
    });

    it('a fetch that began before an invalidation of its tag is not stored as fresh', async () => {
      const { store, user, prefix } = open();
      const [before, after, control] = [await user.lease('a'), await user.lease('b'), await user.lease('c')];
      // Longer than the steps that pass for the time of a round trip.
      if (ms > 0 && ms <= 1_000) await new Promise((resolve) => setTimeout(resolve, 10));
      await store.invalidateTags(['before']);
      await setBack(prefix, ms, [before, after, control]);
      await store.invalidateTags(['after']);
      expect(await user.commit(before, 1, { tags: ['before'] })).not.toBe('stored');
      expect(await user.commit(after, 1, { tags: ['after'] })).not.toBe('stored');
      // The control: of a copy of the lease the store does not know how long ago it was granted.
      const known = await user.commit({ ...control }, 1, { tags: ['after'] });
      if (ms > 500) expect(known).toBe('stored');
    });

    it('a failing origin is tried again no later than its backoff says, and once more at most', async () => {
      const { user, prefix } = open();
      await user.fetched('key', 1);
      await user.failed('key', 5_000);
      await setBack(prefix, ms);
      const acquired = await user.acquire('key');
      if (acquired.kind === 'backoff') expect(acquired.remaining).toBeLessThanOrEqual(6_000);
      else expect(acquired.kind).toBe('granted');
    });

    it('a key whose holder died waits for ten seconds more at most', async () => {
      const { user, prefix } = open();
      await user.lease('key', { lease: 10_000 });
      await setBack(prefix, ms);
      const acquired = await user.acquire('key', { lease: 10_000 });
      if (acquired.kind === 'busy') expect(acquired.remaining).toBeLessThanOrEqual(10_000);
      else expect(acquired.kind).toBe('granted');
    });

    it('a holder whose lease the step has ended stores nothing', async () => {
      const { user, prefix } = open();
      const lease = await user.lease('key', { lease: 10_000 });
      await setBack(prefix, ms, [lease]);
      const result = await user.commit(lease, 1);
      expect(result).toBe(ms <= -10_000 ? 'lost' : 'stored');
    });
  },
);

describe('a tag that is no well-formed text, such as half of an emoji that slice() has cut', () => {
  const HALF = 'title \ud83d';

  it.each([
    ['the half', HALF],
    ['the other tag of the entry', 'whole'],
  ])('is reached by %s', async (_, tag) => {
    for (const operation of ['invalidateTags', 'deleteTags'] as const) {
      const { store, user } = open();
      await user.fetched('key', 1, { tags: [HALF, 'whole'] });
      await user.fetched('other', 2, { tags: ['title'] });
      await store[operation]([tag]);
      expect(await user.decision('key')).toBe(operation === 'deleteTags' ? 'miss' : 'stale');
      expect(await user.decision('other')).toBe('fresh');
      await user.fetched('key', 3, { tags: [HALF, 'whole'] });
      expect(await user.served('key')).toBe(3);
    }
  });
});

describe('prefixes', () => {
  /** The part of a name that decides its slot, as the specification of Redis Cluster says. */
  const hashTag = (name: string): string => {
    const from = name.indexOf('{');
    const to = name.indexOf('}', from + 1);
    return from >= 0 && to > from + 1 ? name.slice(from + 1, to) : name;
  };

  it.each(['a', 'a{', 'a}', '{', '{}', '{a}', 'a{b', '{a}{', 'a:e:{', 'a%7B', '}{', 'a:b'])(
    'with %s an entry and its lease are in one slot',
    (prefix) => {
      const names = new KeyNames(prefix);
      expect(hashTag(names.entry('key'))).toBe(hashTag(names.lease('key')));
    },
  );

  it('no two have names in common', () => {
    const prefixes = ['a', 'a{', 'a%7B', 'a%', 'a%25', 'a:e:{', 'a:e:%7B', 'a:e:{x}', '{a}', '{a'];
    for (const one of prefixes) {
      for (const other of prefixes) {
        const isOwn = new KeyNames(other).entry('key').startsWith(new KeyNames(one).entryPrefix);
        expect([one, other, isOwn]).toEqual([one, other, one === other]);
      }
    }
  });

  it('clear() of a prefix leaves the entries of one that begins like the name of a key', async () => {
    const base = `p${String(Math.random()).slice(2)}`;
    const [short, long] = [open(base), open(`${base}:e:{`)];
    await short.user.fetched('key', 1);
    await long.user.fetched('key', 2);
    await short.store.clear();
    expect(await short.store.read('key')).toBeUndefined();
    expect((await long.store.read('key'))?.value).toBe(2);
    await long.store.invalidateAll('');
    expect(await long.user.decision('key')).toBe('stale');
  });
});

describe('the rules of an ACL in docs/security.md', () => {
  it('suffice for everything that the store does, and for nothing beside its prefix', async () => {
    const name = `p${String(Math.random()).slice(2)}`;
    const url = new URL(inject('redisUrl'));
    const rules = `on >secret resetkeys ~${name}:* resetchannels &__redis__:invalidate -@all +@connection +@read +@write +@scripting -@dangerous +time +subscribe +unsubscribe +info`;
    await redis.call('ACL', 'SETUSER', name, ...rules.split(' '));
    [url.username, url.password] = [name, 'secret'];
    const own = openRedisStore(url.href, { prefix: name });
    opened.push(own);
    const { store, client, errors, corrupt } = own;
    const user = new StoreUser({ store, advance: () => Promise.resolve(), close: () => Promise.resolve() });
    await user.fetched('key', 1, { tags: ['tag'] });
    expect(await user.served('key')).toBe(1);
    const lease = await user.lease('key');
    expect(await store.renew(lease, 1_000)).toBe(true);
    expect(await store.leaseRemaining('key')).toBeGreaterThan(0);
    await store.release(lease, { kind: 'failed', message: 'boom', retryIn: 1 });
    await store.set('other', user.fill(2, { tags: ['tag'] }));
    await store.invalidate('key');
    await store.invalidateTags(['tag']);
    await store.invalidateAll('');
    await store.deleteTags(['tag']);
    await store.deleteAll('');
    await store.clear();
    await store.delete('key');
    expect([errors, corrupt]).toEqual([[], []]);
    await expect((client as Redis).get('elsewhere')).rejects.toThrow(/NOPERM|no permissions/i);
    await expect((client as Redis).flushall()).rejects.toThrow(/NOPERM|no permissions/i);
    await redis.call('ACL', 'DELUSER', name);
  });
});
