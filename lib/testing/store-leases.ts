import type { Acquisition } from '../core/ports.js';
import { factsOf, LONG, SHORT, type StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

/** Which claim gets a lease, and which commit is refused. */
export function describeStoreLeases({ describe, expect, it }: TestFramework, user: () => StoreUser): void {
  const remaining = (acquired: Acquisition): number => ('remaining' in acquired ? acquired.remaining : Number.NaN);

  describe('acquire', () => {
    it('grants one at a time, and tells others the token and the remaining time', async () => {
      const { token } = await user().lease('key', { lease: LONG });
      const busy = await user().acquire('key');
      expect(busy).toMatchObject({ kind: 'busy', token });
      expect(remaining(busy) > LONG - 10_000 && remaining(busy) <= LONG).toBe(true);
      expect((await user().acquire('other')).kind).toBe('granted');
    });

    it('grants again when the holder is done, or when its lease has expired', async () => {
      const first = await user().lease('key');
      await user().store.release(first, { kind: 'unfilled' });
      const second = await user().lease('key', { lease: SHORT });
      await user().advance(2 * SHORT);
      const third = await user().lease('key');
      expect(new Set([first.token, second.token, third.token]).size).toBe(3);
      expect(third.grantedAt > second.grantedAt).toBe(true);
    });

    it('refuses a claim for another generation, even while the lease is held', async () => {
      await user().fetched('key', 'old');
      const { generation } = await user().entry('key');
      await user().fetched('key', 'new');
      expect((await user().acquire('key', { generation })).kind).toBe('changed');
      expect((await user().acquire('key', { generation: '' })).kind).toBe('changed');
      const current = (await user().entry('key')).generation;
      await user().lease('key', { generation: current });
      expect((await user().acquire('key', { generation, takeOver: true })).kind).toBe('changed');
      expect((await user().acquire('key', { generation: current })).kind).toBe('busy');
      await user().store.delete('key');
      expect((await user().acquire('key', { generation: current })).kind).toBe('changed');
      expect((await user().acquire('key', { generation: '' })).kind).toBe('granted');
    });

    it('takes a key that only failed for one without a value', async () => {
      await user().failed('key', 0);
      expect((await user().entry('key')).kind).toBe('vacant');
      expect((await user().entry('key')).generation).toBe('');
      expect((await user().acquire('key', { generation: 'x' })).kind).toBe('changed');
      expect((await user().acquire('key', { generation: '' })).kind).toBe('granted');
    });

    it('refuses claims that respect the backoff while it runs', async () => {
      await user().fetched('key', 'value');
      await user().failed('key', LONG);
      const refused = await user().acquire('key');
      expect(refused.kind).toBe('backoff');
      expect(remaining(refused) > LONG - 10_000 && remaining(refused) <= LONG).toBe(true);
      expect((await user().acquire('key', { respectBackoff: false })).kind).toBe('granted');
    });

    it('shows what will be replaced', async () => {
      expect((await user().grant('other')).previous()).toBe(undefined);
      await user().fetched('key', { n: 1 }, { tags: ['tag'] });
      await user().store.invalidate('key');
      const granted = await user().grant('key');
      const previous = granted.previous();
      expect(previous && factsOf(previous)).toEqual(await user().facts('key'));
      await user().store.delete('key');
      expect(granted.previous()?.value).toEqual({ n: 1 });
    });

    it('takes over: the former holder has lost', async () => {
      const former = await user().lease('key');
      const lease = await user().lease('key', { takeOver: true });
      expect(await user().commit(former, 'former')).toBe('lost');
      expect(await user().commit(lease, 'value')).toBe('stored');
      expect(await user().served('key')).toBe('value');
    });
  });

  describe('renew', () => {
    it('keeps the lease of a living holder', async () => {
      const lease = await user().lease('key', { lease: 5 * SHORT });
      expect(await user().store.renew(lease, LONG)).toBe(true);
      await user().advance(6 * SHORT);
      expect((await user().acquire('key')).kind).toBe('busy');
      expect(await user().commit(lease, 'value')).toBe('stored');
      expect(await user().store.renew(lease, LONG)).toBe(false);
    });

    it('may shorten it', async () => {
      const lease = await user().lease('key');
      await user().store.renew(lease, SHORT);
      await user().advance(2 * SHORT);
      expect(await user().store.renew(lease, LONG)).toBe(false);
      expect((await user().acquire('key')).kind).toBe('granted');
    });

    it('gives nothing back that another one holds', async () => {
      const lease = await user().lease('key');
      const other = await user().lease('key', { takeOver: true });
      expect(await user().store.renew(lease, 1)).toBe(false);
      await user().advance(SHORT);
      expect(await user().commit(other, 'value')).toBe('stored');
    });
  });

  describe('the fence', () => {
    it('refuses a holder whose lease ran out, whether or not it was granted again', async () => {
      await user().fetched('key', 'old');
      const late = await user().lease('key', { lease: SHORT });
      const later = await user().lease('other', { lease: SHORT });
      await user().advance(2 * SHORT);
      expect(await user().commit(late, 'late')).toBe('lost');
      expect(await user().served('key')).toBe('old');
      const holder = await user().lease('other');
      expect(await user().commit(later, 'late')).toBe('lost');
      expect(await user().commit(holder, 'value')).toBe('stored');
      expect(await user().served('other')).toBe('value');
    });

    it('refuses a commit after a delete and after a set', async () => {
      await user().fetched('key', 'old');
      const first = await user().lease('key');
      await user().store.delete('key');
      expect(await user().commit(first, 'late')).toBe('lost');
      expect(await user().store.read('key')).toBe(undefined);
      const second = await user().lease('key');
      await user().set('key', 'set');
      expect(await user().commit(second, 'late')).toBe('lost');
      expect(await user().served('key')).toBe('set');
    });

    it('refuses a commit after a delete of nothing', async () => {
      const lease = await user().lease('key');
      expect(await user().store.delete('key')).toBe(false);
      expect(await user().commit(lease, 'late')).toBe('lost');
      expect(await user().store.read('key')).toBe(undefined);
    });

    it('takes a commit after an invalidation as a stale value, and holds the place until then', async () => {
      await user().fetched('key', 'old');
      const lease = await user().lease('key');
      expect(await user().store.invalidate('key')).toMatchObject({ found: true, held: true });
      expect(await user().acquire('key')).toMatchObject({ kind: 'busy', token: lease.token });
      expect(await user().store.renew(lease, LONG)).toBe(true);
      expect(await user().store.invalidate('key')).toMatchObject({ held: true });
      const { generation } = await user().entry('key');
      expect(await user().commit(lease, 'late', { grace: LONG })).toBe('stale');
      expect(await user().served('key')).toBe('late');
      expect(await user().decision('key')).toBe('stale');
      expect((await user().entry('key')).generation === generation).toBe(false);
      await user().fetched('key', 'new');
      expect(await user().decision('key')).toBe('fresh');
    });

    it('refuses the first value of a key that was invalidated meanwhile', async () => {
      const lease = await user().lease('key');
      expect(await user().store.invalidate('key')).toEqual({ found: false, held: true, generation: '' });
      expect(await user().commit(lease, 'late')).toBe('revoked');
      expect(await user().store.read('key')).toBe(undefined);
      expect((await user().acquire('key')).kind).toBe('granted');
    });

    it('lets a fetch pass that started after the invalidation, at the same instant', async () => {
      await user().fetched('key', 'old', { tags: ['tag'] });
      const revoked = await user().lease('key');
      await user().store.invalidate('key');
      await user().store.invalidateTags(['tag']);
      const lease = await user().lease('key', { takeOver: true });
      expect(await user().commit(revoked, 'late')).toBe('lost');
      expect(await user().commit(lease, 'new', { tags: ['tag'] })).toBe('stored');
      expect(await user().decision('key')).toBe('fresh');
    });

    it('lets a commit pass only once', async () => {
      const lease = await user().lease('key');
      expect(await user().commit(lease, 1)).toBe('stored');
      expect(await user().commit(lease, 2)).toBe('lost');
      expect(await user().served('key')).toBe(1);
    });
  });

  describe('release', () => {
    it('unfilled ends the lease and changes nothing else', async () => {
      await user().fetched('key', 'value');
      const before = await user().facts('key');
      await user().store.release(await user().lease('key'), { kind: 'unfilled' });
      expect(await user().facts('key')).toEqual(before);
      expect(await user().acquire('key')).toMatchObject({ kind: 'granted', failures: 0 });
    });

    it('failed counts failures in a row, until a value comes', async () => {
      await user().fetched('key', 'value');
      const { failure: _, ...before } = await user().facts('key');
      for (let count = 1; count <= 3; count++) {
        const granted = await user().grant('key', { respectBackoff: false });
        expect(granted.failures).toBe(count - 1);
        const message = `line 1\nline ${String(count)}`;
        await user().store.release(granted.lease, { kind: 'failed', message, retryIn: 5_000 });
        const { failure, ...entry } = await user().facts('key');
        expect(entry).toEqual(before);
        expect(failure).toMatchObject({ count, message });
        expect(Math.round(Number(failure?.retryAt) - Number(failure?.at))).toBe(5_000);
      }
      await user().store.release(await user().lease('key', { respectBackoff: false }), { kind: 'unfilled' });
      const lease = await user().lease('key', { respectBackoff: false });
      await user().commit(lease, 'new');
      expect((await user().entry('key')).failure).toBe(undefined);
      expect((await user().grant('key')).failures).toBe(0);
    });

    it('failed is remembered without a value and outlives the value', async () => {
      await user().failed('key', SHORT);
      expect(await user().entry('key')).toMatchObject({
        kind: 'vacant',
        value: undefined,
        tags: [],
        failure: { count: 1 },
      });
      await user()
        .fetched('other', 'value', { ttl: SHORT, grace: SHORT })
        .then(() => user().failed('other', SHORT));
      await user().advance(4 * SHORT);
      expect(await user().decision('other')).toBe('miss');
      for (const key of ['key', 'other']) {
        expect(await user().acquire(key, { generation: '' })).toMatchObject({ kind: 'granted', failures: 1 });
      }
    });

    it('gone removes the entry', async () => {
      await user().fetched('key', 'value');
      await user().store.release(await user().lease('key'), { kind: 'gone' });
      expect(await user().store.read('key')).toBe(undefined);
      expect((await user().acquire('key', { generation: '' })).kind).toBe('granted');
    });

    it('says what had happened to the lease', async () => {
      await user().fetched('key', 'value', { tags: ['tag'] });
      const { store } = user();
      const ending = { kind: 'unfilled' } as const;
      expect(await store.release(await user().lease('key'), ending)).toBe('held');
      const invalidated = await user().lease('key');
      await store.invalidate('key');
      expect(await store.release(invalidated, ending)).toBe('revoked');
      const tagged = await user().lease('key');
      await store.invalidateTags(['tag']);
      expect(await store.release(tagged, ending)).toBe('revoked');
      const deleted = await user().lease('key');
      await store.delete('key');
      expect(await store.release(deleted, ending)).toBe('lost');
    });

    it('counts as revoked where a tag of what was fetched was invalidated or removed', async () => {
      const { store } = user();
      for (const change of ['invalidateTags', 'deleteTags'] as const) {
        const lease = await user().lease('key');
        await store[change](['tag']);
        expect(await store.release(lease, { kind: 'unfilled' }, ['tag'])).toBe('revoked');
        expect(await store.release(await user().lease('key'), { kind: 'unfilled' }, ['tag'])).toBe('held');
        const other = await user().lease('key');
        await store[change](['tag']);
        expect(await store.release(other, { kind: 'unfilled' }, ['another'])).toBe('held');
      }
    });

    it('without the lease changes nothing', async () => {
      const lost = await user().lease('key');
      await user().set('key', 'set');
      const before = await user().facts('key');
      const holder = await user().lease('key');
      for (const kind of ['unfilled', 'gone'] as const) await user().store.release(lost, { kind });
      await user().store.release(lost, { kind: 'failed', message: 'late', retryIn: LONG });
      expect(await user().facts('key')).toEqual(before);
      expect(await user().acquire('key')).toMatchObject({ kind: 'busy', token: holder.token });
    });
  });
}
