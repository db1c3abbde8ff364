/**
 * The module, the decorators, the job class and the facade: all that an application needs, alone or with a `connection`
 * to Redis.
 *
 * @module nestjs-async-cache
 */
export { type AsyncCacheAsyncOptions, AsyncCacheModule, type AsyncCacheOptionsFactory } from './async-cache.module.js';
export { refreshContext, type RefreshContext } from './core/fill/fetch-context.js';
export type { Distribution } from './core/stats/distribution.js';
export type { JobStats, RefreshCounts } from './core/stats/job-stats.js';
export type { ByteSize } from './core/policy/byte-size.js';
export type { Duration } from './core/policy/duration.js';
export {
  AsyncCacheError,
  CircularReadError,
  ConfigurationError,
  ContextError,
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
  NeighbourEvent,
  ReadEvent,
  RecoveryEvent,
  RefreshEvent,
  WriteEvent,
} from './core/events.js';
export type { Explanation } from './core/job/explanation.js';
export type { Job, Peeked, Reading, SetOptions, WarmOptions, WarmProgress } from './core/job/job.js';
export type {
  ArgumentLists,
  Backoff,
  JobOptions,
  OnError,
  ProcessedRead,
  QueueOptions,
  RefreshEvery,
} from './core/policy/job-options.js';
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
  KeyPage,
  Lease,
  LeaseEnding,
  Noticeboard,
  QueueStatus,
  RefreshHandler,
  RefreshOutcome,
  RefreshQueue,
  RefreshQueueOptions,
  RefreshRequest,
  ReleaseResult,
  RequestOrigin,
  RequestedKey,
  Schedule,
  CronTiming,
  PeriodTiming,
  Store,
  StoreCapabilities,
  Timetable,
  Timing,
} from './core/ports.js';
export type { Constructor, DescribedType, ValueTypeOption } from './core/value/value-types.js';
export { AsyncCache, type CacheableMethod, type JobOf } from './nest/async-cache.js';
export { AsyncCacheJob, type JobArguments, type JobValue } from './nest/async-cache-job.js';
export type {
  AsyncCacheOptions,
  CompressOptions,
  ContextOptions,
  CacheManagerCache,
  KeyvStore,
  KeyvStores,
  NearOptions,
  RedisConnection,
  StoreOptions,
  WorkerOptions,
} from './nest/async-cache-options.js';
export type { Write } from './nest/after-write.js';
export {
  Invalidates,
  type ClassReference,
  type InvalidatesOptions,
  type WriteDecorator,
} from './nest/invalidates.decorator.js';
export { InvalidatesTags } from './nest/invalidates-tags.decorator.js';
export { AsyncCached, type AsyncCachedDecorator } from './nest/async-cached.decorator.js';
