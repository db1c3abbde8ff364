import type { StoreCapabilities } from '../core/ports.js';
import { describeStoreEntries } from './store-entries.js';
import { describeStoreJobs } from './store-jobs.js';
import { describeStoreLeases } from './store-leases.js';
import { describeStoreRaces } from './store-races.js';
import { describeStoreTags } from './store-tags.js';
import type { StoreUnderTest } from './store-under-test.js';
import { StoreUser } from './store-user.js';
import type { TestFramework } from './test-framework.js';

/** What `describeStore` needs. */
export interface StoreContract {
  /** Called before each test; the store is empty. */
  readonly create: () => Promise<StoreUnderTest>;
  /** What the store must say that it can promise. */
  readonly capabilities: StoreCapabilities;
}

/**
 * The tests that every store passes.
 *
 * ```ts
 * import { afterEach, beforeEach, describe, expect, it } from 'vitest';
 *
 * describeStore('MyStore', { create, capabilities }, { afterEach, beforeEach, describe, expect, it });
 * ```
 */
export function describeStore(name: string, contract: StoreContract, framework: TestFramework): void {
  const { afterEach, beforeEach, describe, expect, it } = framework;
  describe(name, () => {
    let tested: StoreUnderTest;
    let user: StoreUser;
    beforeEach(async () => {
      tested = await contract.create();
      user = new StoreUser(tested);
    });
    afterEach(() => tested.close());

    it('says what it can do', async () => {
      expect(tested.store.capabilities).toEqual(contract.capabilities);
    });
    for (const describePart of [
      describeStoreEntries,
      describeStoreLeases,
      describeStoreTags,
      describeStoreJobs,
      describeStoreRaces,
    ]) {
      describePart(framework, () => user);
    }
  });
}
