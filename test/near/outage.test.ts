import { describe, expect, it } from 'vitest';
import { Outage } from '../../lib/near/outage.js';
import { claim, NearWorld } from './near-world.js';

const AGE = 30_000;

describe('while the shared store is dead', () => {
  it('a copy serves for `age` from when the feed was lost, and then no more', async () => {
    const { own, other, feed, shared, clock, failures } = new NearWorld({ age: AGE });
    await other.set('key', 'value');
    await clock.advance(60_000);
    await own.served('key');
    await clock.advance(60_000);
    shared.state = 'dead';
    feed.lose();
    await clock.advance(AGE);
    expect(await own.served('key')).toBe('value');
    await clock.advance(1);
    expect(await own.served('key')).toBeUndefined();
    expect(failures).toEqual(['read', 'read']);
  });

  it('a fetch is made once and kept for `age`, with a lease of this process', async () => {
    const { own, near, feed, shared, clock } = new NearWorld({ age: AGE });
    shared.state = 'dead';
    feed.lose();
    const granted = await near.acquire('key', claim({ generation: '' }));
    expect(granted.kind).toBe('granted');
    expect((await near.acquire('key', claim({ generation: '' }))).kind).toBe('busy');
    if (granted.kind !== 'granted') return;
    expect(await near.renew(granted.lease, 20_000)).toBe(true);
    expect(await own.commit(granted.lease, 'own')).toBe('stored');
    await clock.advance(AGE);
    expect(await own.served('key')).toBe('own');
    expect((await near.acquire('key', claim({ generation: '' }))).kind).toBe('changed');
    await clock.advance(1);
    expect(await own.served('key')).toBeUndefined();
  });

  it('what is too old to be served is no obstacle to the next fetch', async () => {
    const { own, near, other, feed, shared, clock } = new NearWorld({ age: AGE });
    await other.set('key', 'copied');
    await own.served('key');
    shared.state = 'dead';
    feed.lose();
    for (let round = 0; round < 3; round++) {
      await clock.advance(AGE + 1);
      expect(await own.served('key')).toBeUndefined();
      const granted = await near.acquire('key', claim({ generation: '' }));
      expect(granted.kind).toBe('granted');
      if (granted.kind === 'granted') await own.commit(granted.lease, round);
      expect(await own.served('key')).toBe(round);
    }
  });

  it('a request from elsewhere is not answered with what is known here: it waits until the store is back', async () => {
    const { own, near, other, shared } = new NearWorld();
    await other.set('key', 'shared');
    const { generation } = await other.entry('key');
    shared.state = 'full';
    await own.fetched('key', 'own');
    for (const key of ['key', 'unknown']) await expect(near.acquire(key, claim({ generation }))).rejects.toThrow();
    const mine = (await own.entry('key')).generation;
    expect((await near.acquire('key', claim({ generation: mine }))).kind).toBe('granted');
    expect((await near.acquire('key', claim({ generation: '' }))).kind).toBe('changed');
    expect((await near.acquire('unknown', claim({ generation: '' }))).kind).toBe('granted');
  });

  it('a reader that comes right after another one timed out does not wait', async () => {
    const { near, shared, asked, clock } = new NearWorld();
    shared.state = 'dead';
    await near.read('key');
    expect(await asked(async () => near.acquire('key', claim()))).toEqual([]);
    await clock.advance(501);
    expect(await asked(async () => near.acquire('other', claim()))).toEqual(['acquire']);
  });

  it('a failed fetch is followed by a backoff', async () => {
    const { own, near, other, feed, shared } = new NearWorld();
    await other.set('key', 'value');
    await own.served('key');
    shared.state = 'dead';
    feed.lose();
    const granted = await near.acquire('key', claim());
    if (granted.kind === 'granted')
      await near.release(granted.lease, { kind: 'failed', message: 'down', retryIn: 5_000 });
    expect(await near.acquire('key', claim())).toMatchObject({ kind: 'backoff', remaining: 5_000 });
    expect(await own.decision('key')).toBe('fresh');
  });

  it('says that no other process sees what is done here, and no longer when it is over', async () => {
    const { own, near, shared, clock } = new NearWorld();
    const usual = shared.store.capabilities;
    expect(near.capabilities).toBe(usual);
    shared.state = 'dead';
    await near.read('key');
    await own.fetched('key', 'own');
    await clock.advance(10_000);
    expect(near.capabilities).toMatchObject({ shared: false });
    expect(near.capabilities).not.toBe(usual);
    shared.state = 'up';
    await clock.advance(1_000);
    expect(near.capabilities).toBe(usual);
  });
});

describe('what was done alone is forgotten when the store takes writes again', () => {
  // The feed is live all the time: an OOM, or a circuit that was open for a moment, does not affect its connection.
  it.each(['full', 'dead'] as const)('a value, after the store was %s', async (state) => {
    const { own, other, shared, clock } = new NearWorld();
    await other.set('key', 'shared');
    shared.state = state;
    await own.fetched('key', 'own');
    expect(await own.served('key')).toBe('own');
    await clock.advance(10_000);
    expect(await own.served('key')).toBe('own');
    shared.state = 'up';
    await clock.advance(1_000);
    expect(await own.served('key')).toBe('shared');
  });

  it('a value is kept for ever without a read: the control of the test above', async () => {
    const { own, other, shared, clock } = new NearWorld({ age: Infinity });
    const probe = Outage.prototype.actedAlone;
    Outage.prototype.actedAlone = function (this: Outage) {
      // The change is not reported.
    };
    try {
      await other.set('key', 'shared');
      shared.state = 'full';
      await own.fetched('key', 'own');
      shared.state = 'up';
      await clock.advance(60_000);
      expect(await own.served('key')).toBe('own');
    } finally {
      Outage.prototype.actedAlone = probe;
    }
  });

  it('a failure, with its backoff', async () => {
    const { own, other, near, shared, clock } = new NearWorld();
    await other.set('key', 'value');
    await own.served('key');
    shared.state = 'full';
    const granted = await near.acquire('key', claim());
    if (granted.kind === 'granted')
      await near.release(granted.lease, { kind: 'failed', message: 'down', retryIn: 300_000 });
    expect((await own.entry('key')).failure?.count).toBe(1);
    shared.state = 'up';
    await clock.advance(1_000);
    expect((await own.entry('key')).failure).toBeUndefined();
  });

  it('key by key, where another server is still away', async () => {
    const { own, shared, clock } = new NearWorld({ max: 1_000 });
    shared.state = 'full';
    const keys = Array.from({ length: 250 }, (_, n) => `key ${String(n)}`);
    for (const key of keys) await own.fetched(key, 'own');
    const away = keys.filter((_, n) => n % 3 === 0);
    for (const key of away) shared.refused.add(key);
    shared.state = 'up';
    await clock.advance(5_000);
    for (const key of keys) expect(await own.served(key)).toBe(away.includes(key) ? 'own' : undefined);
    shared.refused.clear();
    await clock.advance(5_000);
    for (const key of keys) expect(await own.served(key)).toBeUndefined();
  });

  it('keeps what another process is filling until it has', async () => {
    const { own, other, shared, clock, feed } = new NearWorld();
    const lease = await other.lease('key', { lease: 60_000 });
    shared.state = 'full';
    await clock.advance(1);
    await own.fetched('key', 'own');
    shared.state = 'up';
    await clock.advance(5_000);
    expect(await own.served('key')).toBe('own');
    await other.commit(lease, 'shared');
    feed.changed('key');
    expect(await own.served('key')).toBe('shared');
  });

  it('holds no more of them than copies, and asks no more once it is closed', async () => {
    const { own, near, shared, clock, asked } = new NearWorld({ max: 10 });
    shared.state = 'full';
    for (let n = 0; n < 50; n++) await own.fetched(`key ${String(n)}`, 'own');
    shared.state = 'up';
    await clock.advance(501);
    const read = await asked(async () => {
      for (let n = 0; n < 50; n++) expect(await own.served(`key ${String(n)}`)).toBeUndefined();
    });
    expect(read).toHaveLength(50);
    shared.state = 'full';
    await own.fetched('key', 'own');
    await near.close();
    expect(await asked(() => clock.advance(60_000))).toEqual([]);
  });
});
