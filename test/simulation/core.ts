import { Cache } from '../../lib/core/cache.js';
import { refreshContext } from '../../lib/core/context.js';
import { StoreSuspendedError } from '../../lib/core/errors.js';
import { GuardedStore } from '../../lib/core/guarded-store.js';
import { compilePolicy } from '../../lib/core/compile-policy.js';
import { InProcessRefreshQueue } from '../../lib/memory/in-process-refresh-queue.js';
import { MemoryStore } from '../../lib/memory/memory-store.js';
import { NearStore } from '../../lib/memory/near-store.js';

/** The code under test: as it is, or a mutant of it. */
export interface Core {
  readonly Cache: typeof Cache;
  readonly GuardedStore: typeof GuardedStore;
  readonly InProcessRefreshQueue: typeof InProcessRefreshQueue;
  readonly MemoryStore: typeof MemoryStore;
  readonly NearStore: typeof NearStore;
  readonly StoreSuspendedError: typeof StoreSuspendedError;
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
  compilePolicy,
  refreshContext,
};

/** Where each of them is in `lib/`. */
export const PLACES: Readonly<Record<keyof Core, string>> = {
  Cache: 'core/cache',
  GuardedStore: 'core/guarded-store',
  InProcessRefreshQueue: 'memory/in-process-refresh-queue',
  MemoryStore: 'memory/memory-store',
  NearStore: 'memory/near-store',
  StoreSuspendedError: 'core/errors',
  compilePolicy: 'core/compile-policy',
  refreshContext: 'core/context',
};
