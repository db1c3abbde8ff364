import { Cache } from '../../lib/core/cache.js';
import { refreshContext } from '../../lib/core/fill/fetch-context.js';
import { StoreSuspendedError } from '../../lib/core/errors.js';
import { GuardedStore } from '../../lib/core/store/guarded-store.js';
import { compilePolicy } from '../../lib/core/policy/compile-policy.js';
import { InProcessRefreshQueue } from '../../lib/memory/in-process-refresh-queue.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { NearStore } from '../../lib/near/near-store.js';
import { ValueTypeRegistry } from '../../lib/core/value/value-type-registry.js';

/** The code under test: the sources as they are, or a mutant of them. */
export interface Core {
  readonly Cache: typeof Cache;
  readonly GuardedStore: typeof GuardedStore;
  readonly InProcessRefreshQueue: typeof InProcessRefreshQueue;
  readonly MemoryStore: typeof MemoryStore;
  readonly NearStore: typeof NearStore;
  readonly StoreSuspendedError: typeof StoreSuspendedError;
  readonly ValueTypeRegistry: typeof ValueTypeRegistry;
  readonly compilePolicy: typeof compilePolicy;
  readonly refreshContext: typeof refreshContext;
}

export const core: Core = {
  Cache,
  GuardedStore,
  InProcessRefreshQueue,
  MemoryStore,
  NearStore,
  StoreSuspendedError,
  ValueTypeRegistry,
  compilePolicy,
  refreshContext,
};

/** The file of each in `lib/`. */
export const PLACES: Readonly<Record<keyof Core, string>> = {
  Cache: 'core/cache',
  GuardedStore: 'core/store/guarded-store',
  InProcessRefreshQueue: 'memory/in-process-refresh-queue',
  MemoryStore: 'memory/memory-store',
  NearStore: 'near/near-store',
  StoreSuspendedError: 'core/errors',
  ValueTypeRegistry: 'core/value/value-type-registry',
  compilePolicy: 'core/policy/compile-policy',
  refreshContext: 'core/fill/fetch-context',
};
