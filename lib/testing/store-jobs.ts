import type { StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

/** Characters with a meaning in patterns or names: a prefix must be taken literally. */
const ODD = 'a*[b]?{c}\\:';

/** Changes of every key of a job, which is every key with one prefix. */
export function describeStoreJobs({ describe, expect, it }: TestFramework, user: () => StoreUser): void {
  describe('invalidateAll', () => {
    it('makes every entry of the prefix stale and leaves the others as they are', async () => {
      const other = ['job@2:1', 'jobs:1', 'other job:1'];
      for (const key of ['job:1', 'job:2', ...other]) await user().fetched(key, key);
      await user().store.invalidateAll('job:');
      for (const key of ['job:1', 'job:2']) {
        expect(await user().decision(key)).toBe('stale');
        expect(await user().served(key)).toBe(key);
      }
      for (const key of other) expect(await user().decision(key)).toBe('fresh');
    });

    it('takes what is being fetched as stale, and refuses it where there is no value', async () => {
      await user().fetched('job:1', 'old');
      const held = [await user().lease('job:1'), await user().lease('job:2')];
      const other = await user().lease('jobs:1');
      await user().store.invalidateAll('job:');
      expect(await user().acquire('job:1')).toMatchObject({ kind: 'busy' });
      const results = [];
      for (const lease of held) results.push(await user().commit(lease, 'late'));
      expect(results).toEqual(['stale', 'revoked']);
      expect(await user().decision('job:1')).toBe('stale');
      expect(await user().commit(other, 'value')).toBe('stored');
    });

    it('lets a fetch pass that starts after it', async () => {
      await user().fetched('job:1', 'old');
      await user().store.invalidateAll('job:');
      await user().fetched('job:1', 'new');
      expect(await user().decision('job:1')).toBe('fresh');
    });

    it('does not go away with the entries: one that is written and invalidated again is stale again', async () => {
      for (const value of ['first', 'second']) {
        await user().fetched('job:1', value);
        await user().store.invalidateAll('job:');
        expect(await user().decision('job:1')).toBe('stale');
      }
    });

    it('of nothing changes nothing', async () => {
      await user().fetched('job:1', 'value');
      await user().store.invalidateAll('nothing:');
      expect(await user().decision('job:1')).toBe('fresh');
    });

    it('forgets remembered failures', async () => {
      await user().fetched('job:1', new Error('gone'), { kind: 'error', grace: 0 });
      await user().store.invalidateAll('job:');
      expect(await user().decision('job:1')).toBe('miss');
    });
  });

  describe('deleteAll', () => {
    it('removes every entry of the prefix and leaves the others as they are', async () => {
      const other = ['job@2:1', 'jobs:1'];
      for (const key of ['job:1', 'job:2', ...other]) await user().fetched(key, key, { tags: ['tag'] });
      await user().store.deleteAll('job:');
      for (const key of ['job:1', 'job:2']) expect(await user().decision(key)).toBe('miss');
      for (const key of other) expect(await user().decision(key)).toBe('fresh');
    });

    it('takes the lease of what is being fetched, of keys with and without a value', async () => {
      await user().fetched('job:1', 'old');
      const held = [await user().lease('job:1'), await user().lease('job:2')];
      await user().store.deleteAll('job:');
      for (const lease of held) expect(await user().commit(lease, 'late')).toBe('lost');
      for (const { key } of held) expect(await user().decision(key)).toBe('miss');
    });

    it('takes a prefix as it is, whatever its characters', async () => {
      await user().fetched(`${ODD}1`, 'value');
      await user().fetched('abb:1', 'other');
      await user().store.deleteAll(ODD);
      expect(await user().decision(`${ODD}1`)).toBe('miss');
      expect(await user().decision('abb:1')).toBe('fresh');
    });
  });

  for (const operation of ['invalidateAll', 'deleteAll'] as const) {
    it(`a race of commits with ${operation} leaves no fresh value`, async () => {
      const leases = await Promise.all(Array.from({ length: 40 }, (_, n) => user().lease(`job:${String(n)}`)));
      const late = leases.splice(20);
      await Promise.all([user().store[operation]('job:'), ...leases.map((lease) => user().commit(lease, 'fetched'))]);
      for (const lease of late) await user().commit(lease, 'late');
      const decisions = await Promise.all([...leases, ...late].map(({ key }) => user().decision(key)));
      expect(decisions.filter((decision) => decision === 'fresh')).toEqual([]);
    });
  }
}
