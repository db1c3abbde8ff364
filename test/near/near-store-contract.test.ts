import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Store } from '../../lib/core/ports.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { NearStore } from '../../lib/near/near-store.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { describeStore, type StoreContract } from '../../lib/testing/store-contract.js';
import type { StoreUnderTest } from '../../lib/testing/store-under-test.js';
import { runContract } from '../support/run-contract.js';
import { HandFeed } from './hand-feed.js';
import { type NearOptions, openNearStore } from './open-near-store.js';

const framework = { afterEach, beforeEach, describe, expect, it };

const overRedis = (options?: NearOptions): StoreContract => ({
  create: async () => {
    const { near } = await openNearStore(inject('redisUrl'), options);
    const advance = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms + 2));
    return { store: near, advance, close: () => near.close() };
  },
  capabilities: { shared: true, fence: 'cluster' },
});

const MEMORY = { shared: false, fence: 'process' } as const;

/** Answers later, as a store of another process would. */
function later(store: Store): Store {
  return new Proxy(store, {
    get: (_, name: keyof Store) => {
      const member = store[name];
      if (name === 'now') return () => store.now();
      if (typeof member !== 'function') return member;
      return async (...args: never[]) => {
        await new Promise((resolve) => setImmediate(resolve));
        return Reflect.apply(member, store, args) as unknown;
      };
    },
  });
}

function overMemory(feed: (() => HandFeed) | undefined): StoreContract {
  return {
    create: async (): Promise<StoreUnderTest> => {
      const clock = new ManualClock();
      const hand = feed?.();
      const store = later(new MemoryStore({ clock }));
      const near = new NearStore({ store, feed: hand, clock, max: 10_000, age: 30_000, onFailure: () => undefined });
      hand?.restore();
      return { store: near, advance: (ms) => clock.advance(ms), close: () => near.close() };
    },
    capabilities: MEMORY,
  };
}

describeStore('NearStore over Redis, with its feed', overRedis(), framework);
describeStore(
  'NearStore over memory, with a feed that has nothing to tell',
  overMemory(() => new HandFeed()),
  framework,
);
describeStore('NearStore over memory, without a feed', overMemory(undefined), framework);

it('a copy that a change of its own process leaves where it is fails the contract', async () => {
  const { create, capabilities } = overMemory(() => new HandFeed());
  const leavingCopies: StoreContract = {
    create: async () => {
      const { store, ...rest } = await create();
      const forgetful = new Proxy<Store>(store, {
        get: (_, name: keyof Store) => {
          const member = name === 'delete' ? () => true : store[name];
          return typeof member === 'function' ? (member as () => unknown).bind(store) : member;
        },
      });
      return { store: forgetful, ...rest };
    },
    capabilities,
  };
  const { failed, passed } = await runContract((collecting) => {
    describeStore('sabotaged', leavingCopies, collecting);
  });
  expect(failed).toContain('the fence refuses a commit after a delete and after a set');
  expect(passed.length).toBeGreaterThan(failed.length);
});
