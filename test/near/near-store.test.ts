import { describe, expect, it } from 'vitest';
import { NearWorld } from './near-world.js';

describe('a copy', () => {
  it('is read without a question while the feed is live, and not at all while it is not', async () => {
    const { own, other, feed, asked, near } = new NearWorld();
    await other.set('key', 'value');
    expect(await asked(() => own.served('key'))).toEqual(['read']);
    expect(await asked(() => own.served('key'))).toEqual([]);
    expect(await asked(() => near.readMany(['key', 'key']))).toEqual([]);
    feed.lose();
    expect(await asked(() => own.served('key'))).toEqual(['read']);
    expect(await asked(() => own.served('key'))).toEqual(['read']);
    feed.restore();
    expect(await asked(() => own.served('key'))).toEqual(['read']);
    expect(await asked(() => own.served('key'))).toEqual([]);
  });

  it('is dropped when a change is reported', async () => {
    const { own, other, feed } = new NearWorld();
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await other.set('key', 'new');
    feed.changed('key');
    expect(await own.served('key')).toBe('new');
  });

  it('and without it is out of date: the control of the test above', async () => {
    const { own, other } = new NearWorld();
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await other.set('key', 'new');
    expect(await own.served('key')).toBe('old');
  });

  it('of what came before the feed was restored is not trusted', async () => {
    const { own, other, feed } = new NearWorld();
    await other.set('key', 'old');
    await own.served('key');
    feed.lose();
    await other.set('key', 'new');
    feed.restore();
    expect(await own.served('key')).toBe('new');
  });

  it('cannot be spoiled by its readers: frozen, or marked to be copied', async () => {
    const { own, other } = new NearWorld();
    await other.set('frozen', { list: [1] });
    await other.set('copied', Buffer.from('abc'));
    for (let read = 1; read <= 2; read++) {
      const { value, copyOnRead } = await own.entry('frozen');
      expect(copyOnRead).toBe(false);
      expect(Object.isFrozen(value)).toBe(true);
      expect(Object.isFrozen((value as { list: unknown }).list)).toBe(true);
      expect((await own.entry('copied')).copyOnRead).toBe(true);
    }
  });

  it('is one of at most `max`', async () => {
    const { own, other, asked } = new NearWorld({ max: 3 });
    const keys = ['a', 'b', 'c', 'd', 'e'];
    for (const key of keys) await other.set(key, key);
    for (const key of keys) await own.served(key);
    const questions = await asked(async () => {
      for (const key of [...keys].reverse()) await own.served(key);
    });
    expect(questions.length).toBeGreaterThanOrEqual(2);
    expect(questions.length).toBeLessThan(5);
  });
});

describe('a load and the report that outdates it', () => {
  it.each(['question', 'answer'] as const)(
    'the news comes while the %s is on its way: used, and not kept',
    async (moment) => {
      const { own, other, feed, shared, asked } = new NearWorld();
      await other.set('key', 'old');
      const { reached, release } = shared.hold('read', moment);
      const read = own.served('key');
      await reached;
      await other.set('key', 'new');
      feed.changed('key');
      release();
      expect(await read).toBe(moment === 'question' ? 'new' : 'old');
      expect(await asked(async () => expect(await own.served('key')).toBe('new'))).toEqual(['read']);
    },
  );

  it('the report comes after the answer', async () => {
    const { own, other, feed, shared } = new NearWorld();
    await other.set('key', 'old');
    const { reached, release } = shared.hold('read', 'answer');
    const read = own.served('key');
    await reached;
    await other.set('key', 'new');
    release();
    expect(await read).toBe('old');
    feed.changed('key');
    expect(await own.served('key')).toBe('new');
  });

  it.each(['lost and restored', 'cleared', 'deleted here', 'a tag of it deleted here'])(
    'while it is on its way: %s',
    async (what) => {
      const { own, other, feed, near, shared } = new NearWorld();
      await other.set('key', 'old', { tags: ['tag'] });
      const { reached, release } = shared.hold('read', 'answer');
      const read = own.served('key');
      await reached;
      if (what === 'lost and restored') feed.lose();
      await other.set('key', 'new', { tags: ['tag'] });
      if (what === 'lost and restored') feed.restore();
      if (what === 'cleared') await near.clear();
      if (what === 'deleted here') await near.delete('key');
      if (what === 'a tag of it deleted here') await near.deleteTags(['tag']);
      release();
      expect(await read).toBe('old');
      expect(await own.served('key')).toBe(what === 'lost and restored' ? 'new' : undefined);
    },
  );

  it('a copy kept in spite of the report stays: the control of the tests above', async () => {
    const { own, other, shared } = new NearWorld();
    await other.set('key', 'old');
    const { reached, release } = shared.hold('read', 'answer');
    const read = own.served('key');
    await reached;
    await other.set('key', 'new');
    release();
    await read;
    expect(await own.served('key')).toBe('old');
  });
});

describe('a fill by this process', () => {
  it('is read without asking the store, before its report arrives and after', async () => {
    const { own, feed, asked, clock } = new NearWorld();
    await own.fetched('key', 'value');
    expect(await asked(() => own.served('key'))).toEqual([]);
    const told = await asked(async () => {
      feed.changed('key');
      // Readers that come meanwhile wait for the running load.
      await Promise.all([own.served('key'), own.served('key')]);
      await clock.advance(0);
    });
    expect(told).toEqual(['read']);
    expect(await asked(async () => expect(await own.served('key')).toBe('value'))).toEqual([]);
  });

  it('is taken anew at once if its report comes before its answer', async () => {
    const { own, feed, shared, asked } = new NearWorld();
    const lease = await own.lease('key');
    const { reached, release } = shared.hold('commit', 'answer');
    const commit = own.commit(lease, 'value');
    await reached;
    feed.changed('key');
    expect(await asked(async () => (release(), commit))).toEqual(['read']);
    expect(await asked(async () => expect(await own.served('key')).toBe('value'))).toEqual([]);
  });

  it('is dropped if another process outdates it before its own report', async () => {
    const { own, other, feed } = new NearWorld();
    await own.fetched('key', 'own');
    await other.set('key', 'other');
    feed.changed('key');
    expect(await own.served('key')).toBe('other');
  });

  it('outdated while it takes its copy anew does not stay', async () => {
    const { own, other, feed, shared, asked } = new NearWorld();
    await own.fetched('key', 'own');
    const { reached, release } = shared.hold('read', 'answer');
    feed.changed('key');
    await reached;
    await other.set('key', 'other');
    feed.changed('key');
    expect(await own.served('key')).toBe('other');
    release();
    expect(await asked(async () => expect(await own.served('key')).toBe('other'))).toEqual([]);
  });

  it('that was refused leaves no copy', async () => {
    const { own, other } = new NearWorld();
    await other.set('key', 'old');
    await own.served('key');
    const lease = await own.lease('key');
    await other.store.delete('key');
    expect(await own.commit(lease, 'late')).toBe('lost');
    expect(await own.served('key')).toBeUndefined();
  });

  it('while the feed is not live takes the place of an older copy', async () => {
    const { own, other, feed, shared } = new NearWorld();
    await other.set('key', 'old');
    await own.served('key');
    feed.lose();
    await own.fetched('key', 'new');
    shared.state = 'dead';
    expect(await own.served('key')).not.toBe('old');
  });
});

describe('without a feed', () => {
  it('a copy is trusted for `age`, however old its value is', async () => {
    const { own, other, clock, asked } = new NearWorld({ feed: 'none', age: 1_000 });
    await other.set('key', 'old');
    await clock.advance(60_000);
    expect(await own.served('key')).toBe('old');
    await other.set('key', 'new');
    await clock.advance(1_000);
    expect(await asked(async () => expect(await own.served('key')).toBe('old'))).toEqual([]);
    await clock.advance(1);
    expect(await asked(async () => expect(await own.served('key')).toBe('new'))).toEqual(['read']);
  });

  it('what this process changes itself it sees at once', async () => {
    const { own, near } = new NearWorld({ feed: 'none' });
    await own.fetched('key', 1);
    await own.set('key', 2);
    expect(await own.served('key')).toBe(2);
    await own.fetched('key', 3);
    expect(await own.served('key')).toBe(3);
    await near.invalidate('key');
    expect(await own.decision('key')).toBe('stale');
  });

  it('is bounded by max as well', async () => {
    const { own, other, asked } = new NearWorld({ feed: 'none', max: 2 });
    for (const key of ['a', 'b', 'c']) await other.set(key, key);
    for (const key of ['a', 'b', 'c']) await own.served(key);
    expect(await asked(() => own.served('a'))).toEqual(['read']);
  });
});

it('closes the feed and the store', async () => {
  const { near, feed, shared } = new NearWorld();
  await near.close();
  expect(feed.closed).toBe(true);
  expect(shared.calls).toContain('close');
});
