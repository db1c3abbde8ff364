import { LONG, SHORT, type StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

/** What happens to all entries with a tag. */
export function describeStoreTags({ describe, expect, it }: TestFramework, user: () => StoreUser): void {
  const decisions = async (...keys: string[]): Promise<string> =>
    (await Promise.all(keys.map((key) => user().decision(key)))).join(' ');

  const fetchThree = async (): Promise<void> => {
    await user().fetched('xy', 1, { tags: ['x', 'y'] });
    await user().fetched('yz', 2, { tags: ['y', 'z'] });
    await user().fetched('xz', 3, { tags: ['x', 'z'] });
  };

  describe('tags', () => {
    it('invalidate what has them and nothing else', async () => {
      await fetchThree();
      await user().store.invalidateTags(['x']);
      expect(await decisions('xy', 'yz', 'xz')).toBe('stale fresh stale');
    });

    it('delete what has them and nothing else', async () => {
      await fetchThree();
      await user().store.deleteTags(['x', 'unknown', 'x']);
      expect(await decisions('xy', 'yz', 'xz')).toBe('miss fresh miss');
      await user().store.deleteTags(['y', 'z']);
      expect(await user().store.readMany(['xy', 'yz', 'xz'])).toEqual([undefined, undefined, undefined]);
    });

    it('that nothing has, and no tags at all, do nothing', async () => {
      await fetchThree();
      await user().store.invalidateTags([]);
      await user().store.deleteTags([]);
      await user().store.invalidateTags(['unknown', '__proto__', '']);
      expect(await decisions('xy', 'yz', 'xz')).toBe('fresh fresh fresh');
    });

    it('are those of the last write', async () => {
      await user().fetched('key', 1, { tags: ['old', 'both'] });
      await user().set('key', 2, { tags: ['new', 'both'] });
      await user().store.deleteTags(['old']);
      expect(await user().served('key')).toBe(2);
      await user().store.invalidateTags(['new']);
      expect(await decisions('key')).toBe('stale');
      await user().fetched('key', 3);
      await user().store.deleteTags(['old', 'new', 'both']);
      expect(await user().served('key')).toBe(3);
    });

    it('survive an invalidation and a failure', async () => {
      await user().fetched('key', 1, { tags: ['tag'] });
      await user().store.invalidateTags(['tag']);
      await user().failed('key', 0);
      await user().store.deleteTags(['tag']);
      expect(await user().store.read('key')).toBe(undefined);
    });

    it('do not concern what is written afterwards', async () => {
      await user().store.invalidateTags(['tag']);
      await user().store.deleteTags(['tag']);
      await user().fetched('a', 1, { tags: ['tag'] });
      await user().set('b', 2, { tags: ['tag'] });
      expect(await decisions('a', 'b')).toBe('fresh fresh');
      await user().store.invalidateTags(['tag']);
      expect(await decisions('a', 'b')).toBe('stale stale');
    });

    it('remove a remembered error', async () => {
      await user().fetched('key', new Error('gone'), { kind: 'error', tags: ['tag'] });
      await user().store.invalidateTags(['tag']);
      expect(await decisions('key')).toBe('miss');
    });

    it('of what is over are of no use', async () => {
      await user().set('key', 1, { ttl: SHORT, grace: 0, tags: ['tag'] });
      await user().advance(2 * SHORT);
      await user().store.invalidateTags(['tag']);
      await user().set('key', 2, { tags: ['tag'] });
      expect(await decisions('key')).toBe('fresh');
    });
  });

  describe('a fetch under way', () => {
    for (const operation of ['invalidateTags', 'deleteTags'] as const) {
      it(`whose value turns out to have a tag is refused after ${operation}`, async () => {
        const having = await user().lease('having');
        const other = await user().lease('other');
        await user().store[operation](['tag', 'unknown']);
        expect((await user().acquire('having')).kind).toBe('busy');
        expect(await user().commit(having, 1, { tags: ['some', 'tag'] })).toBe('revoked');
        expect(await user().commit(other, 2, { tags: ['some'] })).toBe('stored');
        expect(await user().store.read('having')).toBe(undefined);
        expect((await user().acquire('having')).kind).toBe('granted');
      });
    }

    it('is taken as stale when the old value had the tag, and refused when that was removed', async () => {
      await user().fetched('key', 'old', { tags: ['tag'] });
      const invalidated = await user().lease('key');
      await user().store.invalidateTags(['tag']);
      expect(await user().commit(invalidated, 'late', { tags: ['tag'] })).toBe('stale');
      expect(await user().decision('key')).toBe('stale');
      const deleted = await user().lease('key');
      await user().store.deleteTags(['tag']);
      expect(await user().commit(deleted, 'late')).toBe('lost');
      expect(await user().store.read('key')).toBe(undefined);
    });

    it('is refused when only the new value has a tag that was removed, even if it was invalidated as well', async () => {
      for (const changes of [
        ['deleteTags'],
        ['deleteTags', 'invalidateTags'],
        ['invalidateTags', 'deleteTags'],
      ] as const) {
        await user().set('key', 'old');
        const lease = await user().lease('key');
        for (const change of changes) await user().store[change](['tag']);
        expect(await user().commit(lease, 'late', { tags: ['tag'] })).toBe('revoked');
        expect(await user().served('key')).toBe('old');
      }
    });

    it('that lost its lease stays lost whatever its tags', async () => {
      const lease = await user().lease('key');
      await user().store.delete('key');
      await user().store.invalidateTags(['tag']);
      expect(await user().commit(lease, 'late', { tags: ['tag'] })).toBe('lost');
    });

    it('is not concerned by an invalidation before it', async () => {
      await user().store.invalidateTags(['tag']);
      const lease = await user().lease('key', { lease: LONG });
      expect(await user().commit(lease, 1, { tags: ['tag'] })).toBe('stored');
      expect(await decisions('key')).toBe('fresh');
    });
  });
}
