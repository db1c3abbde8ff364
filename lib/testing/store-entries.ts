import { LONG, SHORT, type StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

/** What is stored, for how long, and how it expires. */
export function describeStoreEntries({ describe, expect, it }: TestFramework, user: () => StoreUser): void {
  describe('reading', () => {
    it('knows nothing of a key that was never filled', async () => {
      const { store } = user();
      expect(await store.read('key')).toBe(undefined);
      expect(await store.readMany(['key', 'other'])).toEqual([undefined, undefined]);
      expect(await store.readMany([])).toEqual([]);
    });

    it('answers many in the order of the keys, each as often as it is asked for', async () => {
      const { store } = user();
      await user().fetched('a', 1);
      await user().fetched('c', 3);
      const entries = await store.readMany(['c', 'b', 'a', 'c']);
      expect(entries.map((entry) => entry?.value)).toEqual([3, undefined, 1, 3]);
    });

    it('keeps undefined, null and empty values', async () => {
      for (const value of [undefined, null, false, 0, '', [], {}]) {
        await user().set('key', value);
        expect((await user().entry('key')).value).toEqual(value);
      }
    });

    it('takes any text for a key', async () => {
      const keys = [
        '',
        '}',
        '{',
        '{}',
        '%',
        '%}',
        'a{b}c',
        'a b\n*?[x]',
        '__proto__',
        'constructor',
        'ключ',
        'x'.repeat(300),
      ];
      for (const key of keys) await user().fetched(key, key, { tags: [`tag of ${key}`] });
      expect((await user().store.readMany(keys)).map((entry) => entry?.value)).toEqual(keys);
      for (const key of keys) await user().store.deleteTags([`tag of ${key}`]);
      expect(await user().store.readMany(keys)).toEqual(keys.map(() => undefined));
    });
  });

  describe('a commit', () => {
    it('dates the entry from the start of the fetch', async () => {
      const lease = await user().lease('key');
      await user().advance(SHORT);
      expect(await user().commit(lease, 'value', { ttl: LONG, grace: 5_000, tags: ['tag', 'Ö "x" ]'] })).toBe('stored');
      const entry = await user().entry('key');
      expect(entry).toMatchObject({
        kind: 'value',
        value: 'value',
        copyOnRead: false,
        grace: 5_000,
        tags: ['tag', 'Ö "x" ]'],
      });
      expect(entry.failure).toBe(undefined);
      expect(entry.storedAt).toBe(lease.grantedAt);
      expect(Math.round(entry.freshUntil - entry.storedAt)).toBe(LONG);
    });

    it('keeps the age that a value inherited, and no longer than that value', async () => {
      await user().fetched('key', 'made of others', { inheritedAge: 5_000 });
      expect((await user().entry('key')).inheritedAge).toBe(5_000);
      const granted = await user().grant('key');
      expect(granted.previous()?.inheritedAge).toBe(5_000);
      await user().commit(granted.lease, 'new');
      expect((await user().facts('key')).inheritedAge).toBe(0);
    });

    it('changes the generation, each time', async () => {
      const generations = new Set(['']);
      for (let n = 0; n < 3; n++) {
        await user().fetched('key', 'same');
        generations.add((await user().entry('key')).generation);
        await user().set('key', 'same');
        generations.add((await user().entry('key')).generation);
      }
      expect(generations.size).toBe(7);
    });

    it('of what is over already removes the old entry and counts as stored', async () => {
      await user().fetched('key', 'old');
      const lease = await user().lease('key');
      await user().advance(SHORT);
      expect(await user().commit(lease, 'new', { ttl: 1, grace: 1 })).toBe('stored');
      expect(await user().store.read('key')).toBe(undefined);
      expect(await user().commit(lease, 'again')).toBe('lost');
    });

    it('keeps a remembered error for its ttl only', async () => {
      await user().fetched('key', new Error('gone'), { kind: 'error', grace: LONG });
      expect((await user().entry('key')).kind).toBe('error');
      expect(((await user().entry('key')).value as Error).message).toBe('gone');
      await user().fetched('key', new Error('gone'), { kind: 'error', ttl: SHORT, grace: LONG });
      await user().advance(2 * SHORT);
      expect(await user().decision('key')).toBe('miss');
      expect((await user().acquire('key', { generation: '' })).kind).toBe('granted');
    });
  });

  describe('time', () => {
    it('makes an entry stale after its ttl and a miss after its grace', async () => {
      await user().fetched('fresh', 1);
      await user().fetched('stale', 2, { ttl: SHORT });
      await user().fetched('over', 3, { ttl: SHORT, grace: SHORT });
      await user().advance(3 * SHORT);
      expect(await user().decision('fresh')).toBe('fresh');
      expect(await user().decision('stale')).toBe('stale');
      expect(await user().decision('over')).toBe('miss');
      expect((await user().acquire('over', { generation: '' })).kind).toBe('granted');
      expect((await user().acquire('stale', { generation: '' })).kind).toBe('changed');
    });
  });

  describe('set', () => {
    it('writes a value dated now, over whatever was there', async () => {
      await user().fetched('key', 'old');
      await user().failed('key');
      await user().advance(SHORT);
      const before = user().store.now();
      await user().set('key', 'new', { tags: ['tag'] });
      const entry = await user().entry('key');
      expect(entry).toMatchObject({ kind: 'value', value: 'new', grace: LONG, tags: ['tag'] });
      expect(entry.failure).toBe(undefined);
      expect(entry.storedAt > before - SHORT && entry.storedAt < user().store.now() + SHORT).toBe(true);
      expect((await user().grant('key')).failures).toBe(0);
    });

    it('of what has no lifetime removes what was there', async () => {
      await user().set('key', 'old');
      await user().set('key', 'new', { ttl: 0, grace: 0 });
      expect(await user().store.read('key')).toBe(undefined);
    });
  });

  describe('delete', () => {
    it('says whether there was a value', async () => {
      const { store } = user();
      expect(await store.delete('key')).toBe(false);
      await user().set('key', undefined);
      expect(await store.delete('key')).toBe(true);
      expect(await store.read('key')).toBe(undefined);
      expect(await store.delete('key')).toBe(false);
    });

    it('forgets failures, which are no value', async () => {
      await user().failed('key');
      expect(await user().store.delete('key')).toBe(false);
      expect(await user().acquire('key', { generation: '' })).toMatchObject({ kind: 'granted', failures: 0 });
    });

    it('of what is past its grace says that there was nothing', async () => {
      await user().set('key', 'value', { ttl: SHORT, grace: 0 });
      await user().advance(2 * SHORT);
      expect(await user().store.delete('key')).toBe(false);
    });
  });

  describe('clear', () => {
    it('removes every entry and takes every lease', async () => {
      await user().fetched('a', 1, { tags: ['tag'] });
      await user().failed('b');
      const held = [await user().lease('a'), await user().lease('c')];
      await user().store.clear();
      expect(await user().store.readMany(['a', 'b', 'c'])).toEqual([undefined, undefined, undefined]);
      for (const lease of held) expect(await user().commit(lease, 'late')).toBe('lost');
      expect(await user().acquire('b')).toMatchObject({ kind: 'granted', failures: 0 });
      await user().fetched('d', 4, { tags: ['tag'] });
      expect(await user().decision('d')).toBe('fresh');
    });
  });

  describe('invalidate', () => {
    it('makes an entry stale at once and keeps the rest of it', async () => {
      await user().fetched('key', 'value', { tags: ['tag'] });
      await user().failed('key');
      const { freshUntil: _, grace: __, ...kept } = await user().facts('key');
      const { generation, failure } = kept;
      expect(await user().store.invalidate('key')).toEqual({ found: true, held: false, generation, failure });
      expect(await user().entry('key')).toMatchObject(kept);
      expect((await user().entry('key')).freshUntil < user().store.now()).toBe(true);
      expect(await user().decision('key')).toBe('stale-backoff');
      expect(await user().served('key')).toBe('value');
    });

    it('may be repeated', async () => {
      await user().fetched('key', 'value');
      for (let n = 0; n < 3; n++) expect((await user().store.invalidate('key')).found).toBe(true);
      expect(await user().decision('key')).toBe('stale');
    });

    it('leaves the grace as it is, from now on', async () => {
      await user().fetched('key', 'value', { grace: SHORT });
      await user().store.invalidate('key');
      await user().advance(2 * SHORT);
      expect((await user().store.invalidate('key')).found).toBe(false);
      expect(await user().decision('key')).toBe('miss');
    });

    it('leaves nothing to serve where no grace is given, and nothing else changed the generation', async () => {
      await user().fetched('key', 'value', { grace: 0 });
      const { generation } = await user().store.invalidate('key');
      expect(await user().decision('key')).toBe('miss');
      for (const seen of [generation, '']) {
        const lease = await user().lease('key', { generation: seen });
        await user().store.release(lease, { kind: 'unfilled' });
      }
    });

    it('of nothing changes nothing', async () => {
      const nothing = { found: false, held: false, generation: '' };
      expect(await user().store.invalidate('key')).toEqual(nothing);
      expect(await user().store.read('key')).toBe(undefined);
      await user().failed('key');
      expect(await user().store.invalidate('key')).toEqual(nothing);
      expect((await user().acquire('key')).kind).toBe('backoff');
    });

    it('removes a remembered error', async () => {
      await user().fetched('key', new Error('gone'), { kind: 'error', grace: 0 });
      expect(await user().store.invalidate('key')).toEqual({ found: false, held: false, generation: '' });
      expect(await user().store.read('key')).toBe(undefined);
    });
  });
}
