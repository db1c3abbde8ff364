import { describe, expect, it } from 'vitest';
import { StoreError, StoreSuspendedError, StoreTimeoutError } from '../../../lib/core/errors.js';
import { GuardedStore } from '../../../lib/core/store/guarded-store.js';
import type { Clock, Store } from '../../../lib/core/ports.js';
import { MemoryStore } from '../../../lib/memory/memory-store.js';
import { Gate } from '../../../lib/testing/gate.js';
import { ManualClock } from '../../../lib/testing/manual-clock.js';
import { counting, outcomeOf, Process, START } from '../../support/core-harness.js';

const TIMEOUT = 500;
const LEASE = { key: 'k', token: 't', grantedAt: START };
const CLAIM = { lease: 1_000, respectBackoff: false, takeOver: false };
const FILL = { kind: 'value', value: 'v', copyOnRead: false, ttl: 1_000, grace: 0, tags: [] } as const;

/** Every operation that has a deadline. */
const OPERATIONS: Record<string, (store: Store) => unknown> = {
  read: (store) => store.read('k'),
  readMany: (store) => store.readMany(['k']),
  acquire: (store) => store.acquire('k', CLAIM),
  renew: (store) => store.renew(LEASE, 1_000),
  commit: (store) => store.commit(LEASE, FILL),
  release: (store) => store.release(LEASE, { kind: 'unfilled' }),
  set: (store) => store.set('k', FILL),
  invalidate: (store) => store.invalidate('k'),
  delete: (store) => store.delete('k'),
};

/** Every operation whose duration grows with the number of keys. */
const WALKS: Record<string, (store: Store) => unknown> = {
  invalidateTags: (store) => store.invalidateTags(['t']),
  deleteTags: (store) => store.deleteTags(['t']),
  clear: (store) => store.clear(),
};

const WITHOUT_DEADLINE: Record<string, (store: Store) => unknown> = {
  ...WALKS,
  close: (store) => store.close(),
};

/** A store whose methods all do what `behave` says. */
function behaving(behave: (operation: string) => unknown): Store {
  const methods = [...Object.keys(OPERATIONS), ...Object.keys(WITHOUT_DEADLINE)];
  const store = Object.fromEntries(methods.map((operation) => [operation, () => behave(operation)]));
  return { ...store, capabilities: { shared: true, fence: 'cluster' }, now: () => START } as unknown as Store;
}

function guard(store: Store, clock: Clock = new ManualClock(START)): GuardedStore {
  return new GuardedStore(store, TIMEOUT, clock);
}

/** The outcome of an operation: `'ok'`, the code of its error, or that it is pending. */
async function end(running: unknown): Promise<string> {
  const outcome = await outcomeOf(Promise.resolve(running));
  if (outcome === 'pending') return outcome;
  return 'error' in outcome ? (outcome.error as StoreError).code : 'ok';
}

describe('an operation of a guarded store', () => {
  it.each(Object.keys(OPERATIONS))('%s answers what the store answers', async (operation) => {
    const clock = new ManualClock(START);
    const plain = new MemoryStore({ clock });
    const guarded = guard(new MemoryStore({ clock }), clock);
    const [expected, got] = [await OPERATIONS[operation]!(plain), await OPERATIONS[operation]!(guarded)];
    if (operation === 'acquire') expect(got).toMatchObject({ kind: 'granted' });
    else expect(got).toEqual(expected);
  });

  it.each(Object.keys(OPERATIONS))(
    '%s fails with a store error, whether the store throws or rejects',
    async (operation) => {
      const cause = new Error('gone');
      const throwing = behaving(() => {
        throw cause;
      });
      for (const store of [throwing, behaving(() => Promise.reject(cause))]) {
        const error = await Promise.resolve(OPERATIONS[operation]!(guard(store))).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(StoreError);
        expect(error).toMatchObject({ operation, cause });
      }
    },
  );

  it.each(Object.keys(OPERATIONS))(
    '%s that hangs fails at the deadline, and its late answer is ignored',
    async (operation) => {
      const clock = new ManualClock(START);
      const gate = new Gate<undefined>();
      const running = Promise.allSettled([OPERATIONS[operation]!(guard(behaving(gate.fetch), clock))]);
      await clock.advance(TIMEOUT - 1);
      expect(await end(running)).toBe('pending');
      await clock.advance(1);
      const [outcome] = await running;
      expect(outcome).toMatchObject({ status: 'rejected', reason: { operation, timeoutMs: TIMEOUT } });
      expect((outcome as PromiseRejectedResult).reason).toBeInstanceOf(StoreTimeoutError);
      gate.fail(new Error('late'));
      await clock.advance(0);
    },
  );

  it('a store error of the store itself is handed on as it is', async () => {
    const error = new StoreError('read', { key: 'k' });
    await expect(guard(behaving(() => Promise.reject(error))).read('k')).rejects.toBe(error);
  });

  it.each(Object.keys(WITHOUT_DEADLINE))('%s may take its time while the store answers others', async (operation) => {
    const clock = new ManualClock(START);
    const gate = new Gate<undefined>();
    let timers = 0;
    const store = guard(
      behaving((called) => (called === operation ? gate.fetch() : undefined)),
      clock,
    );
    const running = WITHOUT_DEADLINE[operation]!(store);
    await clock.advance(60 * TIMEOUT);
    expect(await end(running)).toBe('pending');
    gate.release(undefined);
    expect(await end(running)).toBe('ok');
    clock.schedule = () => {
      timers++;
      return () => undefined;
    };
    await clock.advance(10 * TIMEOUT);
    expect(timers).toBe(0);
  });

  it.each(Object.keys(WALKS))('%s fails when the store answers nobody any more', async (operation) => {
    const clock = new ManualClock(START);
    const running = Promise.allSettled([WALKS[operation]!(guard(behaving(new Gate<undefined>().fetch), clock))]);
    await clock.advance(2 * TIMEOUT - 1);
    expect(await outcomeOf(running)).toBe('pending');
    await clock.advance(1);
    const [outcome] = await running;
    expect(outcome).toMatchObject({ status: 'rejected', reason: { operation, cause: { operation: 'read' } } });
  });

  it.each(Object.keys(WALKS))('%s that fails says why itself', async (operation) => {
    const cause = new StoreError(operation);
    await expect(WALKS[operation]!(guard(behaving(() => Promise.reject(cause))))).rejects.toBe(cause);
  });

  it('a lease that was granted so long ago that it is over is asked for anew', async () => {
    const clock = new ManualClock(START);
    const grants = [START - CLAIM.lease, START - CLAIM.lease + 1];
    const store = behaving(() => ({ kind: 'granted', lease: { ...LEASE, grantedAt: grants.shift() } }));
    expect(await guard(store, clock).acquire('k', CLAIM)).toMatchObject({
      lease: { grantedAt: START - CLAIM.lease + 1 },
    });
    expect(grants).toEqual([]);
  });

  it('has the capabilities and the clock of its store', () => {
    const store = behaving(() => undefined);
    expect(guard(store).capabilities).toBe(store.capabilities);
    expect(guard(store).now()).toBe(START);
  });

  it('needs few timers for many operations, and none when nothing is under way', async () => {
    const clock = new ManualClock(START);
    let timers = 0;
    const schedule = clock.schedule.bind(clock);
    clock.schedule = (ms, run) => {
      timers++;
      return schedule(ms, run);
    };
    const store = guard(
      behaving(() => Promise.resolve('ok')),
      clock,
    );
    for (let call = 0; call < 1_000; call++) await store.read('k');
    expect(timers).toBeLessThanOrEqual(1);
    await clock.advance(100 * TIMEOUT);
    expect(timers).toBeLessThanOrEqual(2);
  });

  it('each has a deadline of its own, whenever it began', async () => {
    const clock = new ManualClock(START);
    const store = guard(
      behaving(() => new Promise(() => {})),
      clock,
    );
    const ended: number[] = [];
    for (let call = 0; call < 3; call++) {
      Promise.resolve(store.read('k')).catch(() => ended.push(clock.now() - START));
      await clock.advance(100);
    }
    await clock.advance(TIMEOUT);
    expect(ended).toEqual([500, 600, 700]);
  });

  it('a lease that was granted after its deadline is released, since its caller has given up', async () => {
    const clock = new ManualClock(START);
    const memory = new MemoryStore({ clock });
    const gate = new Gate<undefined>();
    const acquire = memory.acquire.bind(memory);
    memory.acquire = (key, claim) => gate.fetch().then(() => acquire(key, claim)) as never;
    const failing = end(guard(memory, clock).acquire('k', CLAIM));
    await clock.advance(TIMEOUT);
    await failing;
    gate.release(undefined);
    await clock.advance(0);
    expect(acquire('k', CLAIM)).toMatchObject({ kind: 'granted' });
  });
});

describe('the circuit of a guarded store', () => {
  async function broken(): Promise<{
    clock: ManualClock;
    guarded: GuardedStore;
    asked: () => number;
    heal: () => void;
    hang: () => Gate<string>;
  }> {
    const clock = new ManualClock(START);
    let asked = 0;
    let behave: () => unknown = () => Promise.reject(new Error('gone'));
    const guarded = guard(
      behaving(() => {
        asked++;
        return behave();
      }),
      clock,
    );
    for (let failure = 0; failure < 3; failure++) expect(await end(guarded.read('k'))).toBe('E_STORE');
    return {
      clock,
      guarded,
      asked: () => asked,
      heal: () => (behave = () => Promise.resolve(undefined)),
      hang: () => {
        const gate = new Gate<string>();
        behave = gate.fetch;
        return gate;
      },
    };
  }

  it('opens after three failures in a row: nothing waits for the store any more', async () => {
    const { guarded, asked } = await broken();
    const error = await Promise.resolve(guarded.read('k')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreSuspendedError);
    expect(error).toMatchObject({ operation: 'read' });
    for (const operate of Object.values(OPERATIONS)) expect(await end(operate(guarded))).toBe('E_STORE_SUSPENDED');
    // Three failures, and the end of a lease, which is passed on although nobody waits for it.
    expect(asked()).toBe(3 + 1);
  });

  it('two failures and a success do not open it', async () => {
    const clock = new ManualClock(START);
    const answers = [false, false, true, false, false, true];
    const guarded = guard(
      behaving(() => (answers.shift() ? 'ok' : Promise.reject(new Error('gone')))),
      clock,
    );
    const ends: string[] = [];
    for (let call = 0; call < 6; call++) ends.push(await end(guarded.read('k')));
    expect(ends).toEqual(['E_STORE', 'E_STORE', 'ok', 'E_STORE', 'E_STORE', 'ok']);
  });

  it('after a moment lets one operation try, and closes when that succeeds', async () => {
    const { clock, guarded, asked, heal } = await broken();
    heal();
    await clock.advance(499);
    expect(await end(guarded.read('k'))).toBe('E_STORE_SUSPENDED');
    await clock.advance(1);
    expect(await end(guarded.read('k'))).toBe('ok');
    expect(await end(guarded.read('k'))).toBe('ok');
    expect(asked()).toBe(5);
  });

  it('while one tries, the others do not', async () => {
    const { clock, guarded, hang, asked } = await broken();
    const gate = hang();
    await clock.advance(500);
    const probe = guarded.read('k');
    expect(await end(guarded.read('other'))).toBe('E_STORE_SUSPENDED');
    expect(await end(guarded.acquire('k', CLAIM))).toBe('E_STORE_SUSPENDED');
    expect(asked()).toBe(4);
    gate.release('ok');
    await probe;
    gate.open(() => 'ok');
    expect(await end(guarded.read('k'))).toBe('ok');
  });

  it('when the try fails, the moment starts anew', async () => {
    const { clock, guarded, asked } = await broken();
    for (let round = 1; round <= 5; round++) {
      await clock.advance(499);
      expect(await end(guarded.read('k'))).toBe('E_STORE_SUSPENDED');
      await clock.advance(1);
      expect(await end(guarded.read('k'))).toBe('E_STORE');
      expect(asked()).toBe(3 + round);
    }
  });

  it('when the try hangs, the moment starts at its deadline', async () => {
    const { clock, guarded, hang, asked } = await broken();
    hang();
    await clock.advance(500);
    const probe = end(guarded.read('k'));
    await probe;
    await clock.advance(TIMEOUT);
    expect(await end(guarded.read('k'))).toBe('E_STORE_SUSPENDED');
    await clock.advance(500);
    void Promise.resolve(guarded.read('k')).catch(() => undefined);
    expect(asked()).toBe(5);
  });

  it('timeouts open it as failures do', async () => {
    const clock = new ManualClock(START);
    const guarded = guard(
      behaving(() => new Promise(() => {})),
      clock,
    );
    const hanging = Promise.allSettled([guarded.read('a'), guarded.read('b'), guarded.read('c')]);
    await clock.advance(TIMEOUT);
    await hanging;
    expect(await end(guarded.read('k'))).toBe('E_STORE_SUSPENDED');
  });
});

describe('a busy event loop', () => {
  /** A clock whose timers fire before anything that has arrived meanwhile is read, as Node's do after a long turn. */
  function answeredLate(): { store: Store; clock: ManualClock } {
    const clock = new ManualClock(START);
    const answers: (() => void)[] = [];
    const store = behaving(() => new Promise((resolve) => answers.push(() => resolve('answer'))));
    const schedule = clock.schedule.bind(clock);
    clock.schedule = (ms, run) =>
      schedule(ms, () => {
        run();
        // The answer was in the socket all the time, and is read in the turn after the timers.
        setImmediate(() => {
          for (const answer of answers.splice(0)) answer();
        });
      });
    return { store, clock };
  }

  it('is no dead store: an answer that has come in by the deadline counts', async () => {
    const { store, clock } = answeredLate();
    const reading = guard(store, clock).read('k');
    await clock.advance(TIMEOUT);
    expect(await reading).toBe('answer');
  });
});

describe('a cache on a guarded store', () => {
  it('waits for a store that hangs no longer than its deadline, and not at all when the circuit is open', async () => {
    const clock = new ManualClock(START);
    const process = new Process({
      clock,
      store: guard(
        behaving(() => new Promise(() => {})),
        clock,
      ),
    });
    const job = process.job(counting());
    const reads = ['a', 'b', 'c'].map((key) => job.get(key));
    await clock.advance(TIMEOUT);
    expect(await Promise.all(reads)).toEqual(['v1', 'v2', 'v3']);
    expect(process.observer.of('store-failed')).toHaveLength(3);
    expect(await job.get('d')).toBe('v4');
    expect(process.observer.of('store-failed')).toHaveLength(3);
  });

  it('is consistent again by itself when the store is back', async () => {
    const clock = new ManualClock(START);
    const memory = new MemoryStore({ clock });
    let up = false;
    const flaky = new Proxy(memory, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (typeof member !== 'function') return member;
        if (name === 'now') return () => clock.now();
        return (...args: unknown[]) =>
          up ? (Reflect.apply(member, target, args) as unknown) : Promise.reject(new Error('gone'));
      },
    });
    const process = new Process({ clock, store: guard(flaky, clock) });
    const job = process.job(counting());
    for (let read = 1; read <= 5; read++) expect(await job.get('a')).toBe(`v${String(read)}`);
    up = true;
    await clock.advance(500);
    expect(await job.get('a')).toBe('v6');
    expect(await job.read('a')).toMatchObject({ value: 'v6', status: 'hit' });
  });
});

describe('the end of an outage', () => {
  const START_AT = 1_000_000;
  const later = 5_000;

  function outageOf(failing: (operation: string) => boolean): {
    readonly store: GuardedStore;
    readonly clock: ManualClock;
    readonly recoveries: number[];
  } {
    const clock = new ManualClock(START_AT);
    const recoveries: number[] = [];
    const memory = new MemoryStore({ clock });
    const flaky = new Proxy(memory, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (failing(String(name))) throw new Error(`${String(name)} is refused`);
          return (member as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
    const onRecovery = (seconds: number): void => void recoveries.push(seconds);
    return { store: new GuardedStore(flaky, TIMEOUT, clock, { name: 'big', onRecovery }), clock, recoveries };
  }

  it('is told once, when what failed succeeds again and nothing has failed for a second', async () => {
    let down = true;
    const { store, clock, recoveries } = outageOf(() => down);
    await expect(store.read('k')).rejects.toMatchObject({ store: 'big', operation: 'read' });
    down = false;
    await store.read('k');
    expect(recoveries).toEqual([]);
    await clock.advance(later);
    await store.read('k');
    await store.read('k');
    expect(recoveries).toEqual([later / 1_000]);
  });

  it('is not told by another operation: a store may refuse writes only', async () => {
    let refused = true;
    const { store, clock, recoveries } = outageOf((operation) => refused && operation === 'delete');
    await expect(store.delete('k')).rejects.toThrow('delete is refused');
    await clock.advance(later);
    await store.read('k');
    expect(recoveries).toEqual([]);
    refused = false;
    await store.delete('k');
    expect(recoveries).toEqual([later / 1_000]);
  });
});
