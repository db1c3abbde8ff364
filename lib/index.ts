export {
  type AsyncCacheAsyncOptions,
  AsyncCacheModule,
  type AsyncCacheOptionsFactory,
} from './async-cache.module.js';
export { refreshContext, type RefreshContext } from './core/context.js';
export type { JobStats } from './core/counters.js';
export type { Duration } from './core/duration.js';
export {
  AsyncCacheError,
  ConfigurationError,
  CorruptEntryError,
  FetchTimeoutError,
  NoRefreshContextError,
  QueueError,
  StoreError,
  StoreSuspendedError,
  StoreTimeoutError,
  UnkeyableArgumentError,
  UnknownJobError,
  UnserializableValueError,
} from './core/errors.js';
export type {
  CacheEvent,
  FailureEvent,
  ReadEvent,
  RefreshEvent,
  WriteEvent,
} from './core/events.js';
export type { Job, Peeked, Reading, SetOptions, WarmOptions, WarmProgress } from './core/job.js';
export type {
  ArgumentLists,
  Backoff,
  JobOptions,
  OnError,
  ProcessedRead,
  QueueOptions,
  RefreshEvery,
} from './core/job-options.js';
export type { Entry, Failure, Fill } from './core/entry.js';
export type {
  Acquisition,
  Awaitable,
  ChangeFeed,
  ChangeListener,
  Claim,
  Clock,
  Codec,
  CommitResult,
  Invalidation,
  Lease,
  LeaseEnding,
  RefreshHandler,
  RefreshOutcome,
  RefreshQueue,
  RefreshQueueOptions,
  RefreshRequest,
  RequestedKey,
  Schedule,
  Store,
  StoreCapabilities,
} from './core/ports.js';
export { AsyncCache, type CacheableMethod, type JobOf } from './nest/async-cache.js';
export { AsyncCacheJob, type JobArguments, type JobValue } from './nest/async-cache-job.js';
export type {
  AsyncCacheOptions,
  CacheManagerCache,
  KeyvStore,
  KeyvStores,
  NearOptions,
  RedisConnection,
  StoreOptions,
  WorkerOptions,
} from './nest/async-cache-options.js';
export { AsyncCached, type AsyncCachedDecorator } from './nest/async-cached.decorator.js';
