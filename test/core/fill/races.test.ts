import { describe, expect, it } from 'vitest';
import type { Fill } from '../../../lib/core/entry.js';
import type { Acquisition, Claim, CommitResult, Invalidation, Lease } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { counting, MINUTE, Process, START, type TestJob } from '../../support/core-harness.js';

// Changes by a caller while a fetch is under way. Each check also runs on a sabotaged store, where it must fail.

/** Stores whatever a fetch brings, however late, as a cache without a fence does. */
class Unfenced extends MemoryStore {
  override commit(lease: Lease, fill: Fill): CommitResult {
    super.set(lease.key, fill);
    return 'stored';
  }
}

/** Reports neither that a fetch is under way nor which state it found, and grants a lease to every claim. */
class Forgetful extends MemoryStore {
  #states = 0;

  override acquire(key: string, claim: Claim): Acquisition {
    return super.acquire(key, { ...claim, generation: undefined, takeOver: true });
  }

  override invalidate(key: string): Invalidation {
    return { ...super.invalidate(key), held: false, generation: `state ${String(this.#states++)}` };
  }
}

/** Does not report that a fetched value had been invalidated. */
class Silent extends MemoryStore {
  override commit(lease: Lease, fill: Fill): CommitResult {
    const result = super.commit(lease, fill);
    return result === 'revoked' ? 'lost' : result === 'stale' ? 'stored' : result;
  }
}

type StoreClass = new (options: { clock: ManualClock }) => MemoryStore;

interface Scene {
  process: Process;
  job: TestJob;
  /** The origin. A fetch returns what the origin had when the fetch began. */
  gate: Gate<string>;
}

interface Kind {
  options?: { fetchOnMiss: boolean };
  begin(scene: Scene): Promise<void>;
}

const fetches = {
  'a cold fetch in the caller': {
    async begin({ job, gate }) {
      void job.get('a');
      await gate.started(1);
    },
  },
  'a fetch in the caller of what is too stale': {
    async begin({ process, job, gate }) {
      await job.set(['a'], 'old', { ttl: 1 });
      await process.advance(16 * MINUTE);
      void job.get('a');
      await gate.started(1);
    },
  },
  'a refresh in the background': {
    async begin({ process, job, gate }) {
      await job.set(['a'], 'old', { ttl: 60 });
      await process.advance(2 * MINUTE);
      await job.get('a');
      await gate.started(1);
    },
  },
  'a first fill in the background': {
    options: { fetchOnMiss: false },
    async begin({ job, gate }) {
      await job.get('a');
      await gate.started(1);
    },
  },
  'a refresh by hand': {
    async begin({ job, gate }) {
      await job.set(['a'], 'old');
      void job.refresh('a');
      await gate.started(1);
    },
  },
  'a batch': {
    async begin({ job, gate }) {
      void job.getMany([['a'], ['b']]);
      await gate.started(1);
    },
  },
} satisfies Record<string, Kind>;

const acts = {
  set: ({ job }: Scene) => job.set(['a'], 'by hand'),
  delete: ({ job }: Scene) => job.delete('a'),
  invalidate: ({ job }: Scene) => job.invalidate('a'),
  invalidateTags: ({ process }: Scene) => process.cache.invalidateTags(['x', 't']),
  deleteTags: ({ process }: Scene) => process.cache.deleteTags(['t']),
  clear: ({ process }: Scene) => process.cache.clear(),
};

function sceneOn(StoreOf: StoreClass, options?: Kind['options']): Scene {
  const clock = new ManualClock(START);
  const process = Process.refreshing({ clock, store: new StoreOf({ clock }) });
  const gate = new Gate<string>();
  const job = process.job(
    gate.fetch,
    { ttl: 600, fetchOnStaleThreshold: 900, tags: ['t'], ...options },
    {
      fetchMany: async (argsList) => {
        const value = await gate.fetch();
        return argsList.map(() => value);
      },
    },
  );
  return { process, job, gate };
}

/** Whether a fetch that was under way when `act` was acknowledged has stored its old data as a fresh value. */
async function bringsBack(StoreOf: StoreClass, kind: Kind, act: (scene: Scene) => Promise<unknown>): Promise<boolean> {
  const scene = sceneOn(StoreOf, kind.options);
  await kind.begin(scene);
  await act(scene);
  scene.gate.release('before');
  scene.gate.open(() => 'after');
  await scene.process.settle();
  const peeked = await scene.job.peek('a');
  return peeked?.value === 'before' && peeked.status === 'fresh';
}

describe('G4: a fetch that is under way brings no old data back', () => {
  for (const [fetch, kind] of Object.entries<Kind>(fetches)) {
    for (const [name, act] of Object.entries(acts)) {
      it(`${fetch}, ${name} meanwhile`, async () => {
        expect(await bringsBack(MemoryStore, kind, act)).toBe(false);
      });

      it(`control: ${fetch}, ${name} meanwhile, and no fence`, async () => {
        expect(await bringsBack(Unfenced, kind, act)).toBe(true);
      });
    }
  }

  it('the reader that started the fetch still gets its value', async () => {
    for (const act of [acts.set, acts.delete, acts.invalidate, acts.invalidateTags, acts.deleteTags, acts.clear]) {
      const scene = sceneOn(MemoryStore);
      const reading = scene.job.get('a');
      await scene.gate.started(1);
      await act(scene);
      scene.gate.release('before');
      expect(await reading).toBe('before');
    }
  });

  it('a value set by hand during a fetch stays', async () => {
    const scene = sceneOn(MemoryStore);
    await fetches['a refresh in the background'].begin(scene);
    await acts.set(scene);
    scene.gate.release('before');
    await scene.process.settle();
    expect(await scene.job.read('a')).toMatchObject({ value: 'by hand', status: 'hit' });
    expect(scene.gate.starts).toBe(1);
    expect(scene.process.observer.of('fenced')).toEqual([{ type: 'fenced', job: 'J', key: 'J:"a"', background: true }]);
  });

  it('after a delete during a cold fetch the next read fetches, and does not wait for the old fetch', async () => {
    const scene = sceneOn(MemoryStore);
    const { job, gate } = scene;
    const first = job.get('a');
    await gate.started(1);
    await job.delete('a');
    const second = job.get('a');
    await gate.started(2);
    gate.release('before');
    gate.release('after');
    expect([await first, await second]).toEqual(['before', 'after']);
    expect(await job.read('a')).toMatchObject({ value: 'after', status: 'hit' });
  });

  it('a reader that comes after the invalidation of a cold fetch does not get the value from before it', async () => {
    const { process, job, gate } = sceneOn(MemoryStore);
    const first = job.get('a');
    await gate.started(1);
    await job.invalidate('a');
    const second = job.read('a');
    const third = job.read('a');
    await process.settle();
    expect(gate.starts).toBe(1);
    gate.release('before');
    expect(await first).toBe('before');
    await gate.started(2);
    gate.release('after');
    expect(await second).toMatchObject({ value: 'after', status: 'miss' });
    expect(await third).toMatchObject({ value: 'after' });
    expect(await job.read('a')).toMatchObject({ value: 'after', status: 'hit' });
    expect(gate.starts).toBe(2);
  });

  it('a tag that is invalidated before a value is written with it does not concern the value', async () => {
    const { process, job } = sceneOn(MemoryStore);
    await process.cache.invalidateTags(['t']);
    await process.cache.deleteTags(['t']);
    await job.set(['a'], 'v');
    expect(await job.read('a')).toMatchObject({ value: 'v', status: 'hit' });
  });

  it('a tag that the value turns out not to have does not revoke its fetch', async () => {
    const { process, job, gate } = sceneOn(MemoryStore);
    const reading = job.get('a');
    await gate.started(1);
    await process.cache.invalidateTags(['other']);
    gate.release('v');
    await reading;
    expect(await job.read('a')).toMatchObject({ value: 'v', status: 'hit' });
  });
});

/** How many more fetches follow the running one after `times` invalidations during it. */
async function followUps(StoreOf: StoreClass, times: number, { begin }: Kind): Promise<number> {
  const scene = sceneOn(StoreOf);
  const { process, job, gate } = scene;
  await begin(scene);
  for (let time = 0; time < times; time++) {
    await job.invalidate('a');
    await process.settle();
  }
  gate.release('before');
  gate.open(() => 'after');
  await process.settle();
  await process.advance(30_000);
  return gate.starts - 1;
}

describe('G6: invalidations during one refresh lead to one more', () => {
  const running = {
    'in the background': fetches['a refresh in the background'],
    'in the caller': fetches['a fetch in the caller of what is too stale'],
    'by hand': fetches['a refresh by hand'],
  };

  for (const [how, kind] of Object.entries<Kind>(running)) {
    it.each([1, 2, 10])(`${how}, %d of them`, async (times) => {
      expect(await followUps(MemoryStore, times, kind)).toBe(1);
    });

    it(`control: ${how}, without knowing that a fetch is under way`, async () => {
      expect(await followUps(Forgetful, 5, kind)).toBeGreaterThan(1);
    });

    it(`control: ${how}, when the store does not report that the commit was revoked`, async () => {
      expect(await followUps(Silent, 5, kind)).toBe(0);
    });
  }

  it('and readers have the value of the fetch before as stale until it lands', async () => {
    const scene = sceneOn(MemoryStore);
    const { process, job, gate } = scene;
    await fetches['a refresh in the background'].begin(scene);
    await job.invalidate('a');
    gate.release('before');
    await gate.started(2);
    expect(await job.read('a')).toMatchObject({ value: 'before', status: 'stale' });
    gate.release('after');
    await process.settle();
    expect(await job.read('a')).toMatchObject({ value: 'after', status: 'hit' });
  });

  it('no two fetches of the key run at once', async () => {
    const scene = sceneOn(MemoryStore);
    const { process, job, gate } = scene;
    await fetches['a refresh in the background'].begin(scene);
    for (let time = 0; time < 5; time++) {
      await job.invalidate('a');
      await job.get('a');
      await process.settle();
    }
    while (gate.waiting > 0) {
      gate.release('v');
      await process.settle();
    }
    expect(gate.mostAtOnce).toBe(1);
  });
});

describe('G5: a process that was frozen past its lease', () => {
  async function writesAfterThaw(StoreOf: StoreClass): Promise<unknown> {
    const clock = new ManualClock(START);
    const store = new StoreOf({ clock });
    const frozen = new Process({ clock, store });
    const gate = new Gate<string>();
    const job = frozen.job(gate.fetch);
    // A frozen process renews nothing.
    const lease = store.acquire('J:"a"', { lease: 10_000, respectBackoff: false, takeOver: false });
    await clock.advance(10_000);
    const other = new Process({ clock, store }).job(async () => 'newer');
    await other.get('a');
    if (lease.kind !== 'granted') throw new Error('the lease was free');
    store.commit(lease.lease, { kind: 'value', value: 'older', copyOnRead: false, ttl: 60_000, grace: 0, tags: [] });
    return job.get('a');
  }

  it('cannot overwrite newer data', async () => {
    expect(await writesAfterThaw(MemoryStore)).toBe('newer');
  });

  it('control: without a fence it does', async () => {
    expect(await writesAfterThaw(Unfenced)).toBe('older');
  });
});

describe('tags', () => {
  async function tagged(): Promise<{ process: Process; job: TestJob }> {
    const process = new Process();
    const job = process.job(counting(), { tags: (_value, tags: string) => tags.split(',') });
    for (const tags of ['x,y', 'y,z', 'x,z']) await job.get(tags);
    process.trace();
    return { process, job };
  }

  it('deleting one removes exactly the entries that have it', async () => {
    const { process, job } = await tagged();
    await process.cache.deleteTags(['x']);
    expect(await job.peek('x,y')).toBeUndefined();
    expect(await job.peek('x,z')).toBeUndefined();
    expect(await job.peek('y,z')).toMatchObject({ value: 'v2' });
  });

  it('invalidating one makes exactly the entries that have it stale', async () => {
    const { process, job } = await tagged();
    await process.cache.invalidateTags(['x']);
    expect(await Promise.all(['x,y', 'x,z', 'y,z'].map(async (tags) => (await job.read(tags)).status))).toEqual([
      'stale',
      'stale',
      'hit',
    ]);
    await process.settle();
    expect(process.recorded.requests).toHaveLength(2);
  });

  it('none, and one that nobody has, do nothing', async () => {
    const { process, job } = await tagged();
    for (const tags of [[], ['unknown']]) {
      await process.cache.invalidateTags(tags);
      await process.cache.deleteTags(tags);
    }
    expect(await Promise.all(['x,y', 'x,z', 'y,z'].map(async (key) => (await job.read(key)).status))).toEqual([
      'hit',
      'hit',
      'hit',
    ]);
  });

  it.each([[['x', '']], [[7 as never]], ['x' as never]])('%j is refused', async (tags) => {
    const { process } = await tagged();
    await expect(process.cache.invalidateTags(tags)).rejects.toMatchObject({ code: 'E_CONFIGURATION' });
    await expect(process.cache.deleteTags(tags)).rejects.toMatchObject({ code: 'E_CONFIGURATION' });
  });

  it('an entry that lost a tag is not found by it', async () => {
    const { process, job } = await tagged();
    await job.set(['x,y'], 'v', { tags: ['y'] });
    await process.cache.deleteTags(['x']);
    expect(await job.peek('x,y')).toBeDefined();
    await process.cache.deleteTags(['y']);
    expect(await job.peek('x,y')).toBeUndefined();
  });
});
