import { StoreSchedule } from './store-schedule.js';
import type { StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

const ROUNDS = 200;

/** What must hold whichever side of a race comes first. */
export function describeStoreRaces({ describe, expect, it }: TestFramework, user: () => StoreUser): void {
  /** Runs `race` on many keys at once, with its two sides in either order, and counts the outcomes. */
  const outcomes = async (
    prepare: (key: string) => Promise<() => Promise<unknown>>,
    against: (key: string) => unknown,
    observe: (key: string, result: unknown) => Promise<string>,
  ): Promise<string[]> => {
    const seen = new Set<string>();
    await Promise.all(
      Array.from({ length: ROUNDS }, async (_, round) => {
        const key = `key ${String(round)}`;
        const commit = await prepare(key);
        const other = async (): Promise<unknown> => against(key);
        const results = await Promise.all(round % 2 === 0 ? [commit(), other()] : [other(), commit()]);
        seen.add(await observe(key, results[round % 2]));
      }),
    );
    return [...seen].sort();
  };
  const tagOf = (key: string): string => `tag of ${key}`;
  const aboutToCommit = async (key: string): Promise<() => Promise<unknown>> => {
    const lease = await user().lease(key);
    return () => user().commit(lease, 'fetched', { tags: [tagOf(key)] });
  };

  describe('a race', () => {
    it('for the lease has one winner', async () => {
      for (let round = 0; round < 10; round++) {
        const all = await Promise.all(Array.from({ length: 20 }, () => user().acquire(`key ${String(round)}`)));
        expect(all.filter(({ kind }) => kind === 'granted').length).toBe(1);
        const winner = all.find((each) => each.kind === 'granted');
        const told = all.flatMap((each) => (each.kind === 'busy' ? [each.token] : []));
        expect(new Set(told)).toEqual(new Set([winner?.lease.token]));
      }
    });

    it('of a commit with a delete leaves nothing', async () => {
      const seen = await outcomes(
        aboutToCommit,
        (key) => user().store.delete(key),
        async (key) => user().decision(key),
      );
      expect(seen).toEqual(['miss']);
    });

    it('of a commit with a set leaves what was set', async () => {
      const seen = await outcomes(
        aboutToCommit,
        (key) => user().set(key, 'set'),
        async (key) => String(await user().served(key)),
      );
      expect(seen).toEqual(['set']);
    });

    it('of a commit with an invalidation leaves nothing fresh', async () => {
      const seen = await outcomes(
        aboutToCommit,
        (key) => user().store.invalidate(key),
        async (key, committed) => `${String(committed)} ${await user().decision(key)}`,
      );
      for (const outcome of seen) expect(['revoked miss', 'stored stale'].includes(outcome)).toBe(true);
    });

    for (const operation of ['invalidateTags', 'deleteTags'] as const) {
      it(`of a commit with ${operation} leaves nothing fresh`, async () => {
        const seen = await outcomes(
          aboutToCommit,
          (key) => user().store[operation]([tagOf(key)]),
          async (key) => user().decision(key),
        );
        for (const decision of seen) expect(['miss', 'stale'].includes(decision)).toBe(true);
      });

      it(`of a set with ${operation} leaves it where the next one finds it`, async () => {
        const seen = await outcomes(
          async (key) => () => user().set(key, 'set', { tags: [tagOf(key)] }),
          (key) => user().store[operation]([tagOf(key)]),
          async (key) => {
            await user().store.deleteTags([tagOf(key)]);
            return user().decision(key);
          },
        );
        expect(seen).toEqual(['miss']);
      });
    }

    it('of a commit with clear leaves nothing', async () => {
      const leases = await Promise.all(Array.from({ length: ROUNDS }, (_, n) => user().lease(`key ${String(n)}`)));
      const late = leases.splice(ROUNDS / 2);
      await Promise.all([user().store.clear(), ...leases.map((lease) => user().commit(lease, 'fetched'))]);
      for (const lease of late) await user().commit(lease, 'late');
      const entries = await user().store.readMany([...leases, ...late].map(({ key }) => key));
      expect(entries.filter((entry) => entry !== undefined)).toEqual([]);
    });
  });

  describe('any order of events', () => {
    it(`comes out as in the model (${String(ROUNDS)} schedules)`, async () => {
      const schedules = Array.from(
        { length: ROUNDS },
        (_, seed) => new StoreSchedule(user(), `schedule ${String(seed)}`, seed),
      );
      // One after the other, because all keys share their tags.
      for (const schedule of schedules) expect(await schedule.run()).toBe(undefined);
    });
  });
}
