import type { Staleness } from '../decide.js';
import type { ProcessedRead } from './job-options.js';
import type { Awaitable, RefreshQueueOptions, Timing } from '../ports.js';

/** The instance whose method or job is read: the `this` of every option that is a function. */
export type Target = object;
export type Arguments = readonly unknown[];

/** `onError` with its duration in milliseconds. */
export type ErrorDecision = 'stale' | 'delete' | { readonly ttl: number };

/** The options of one job: checked, with defaults, in milliseconds. */
export interface JobPolicy {
  readonly ttl: (target: Target, value: unknown, args: Arguments) => number;
  readonly grace: (target: Target, value: unknown, args: Arguments) => number;
  readonly fetchOnMiss: (target: Target, args: Arguments) => boolean;
  readonly empty: (target: Target, args: Arguments) => unknown;
  readonly staleness: (target: Target, args: Arguments) => Staleness;
  readonly refreshTimeout: number;
  readonly lease: number;
  readonly fetchTimeout: number;
  /** Milliseconds to wait after the given number of consecutive failures. */
  readonly backoff: (failures: number) => number;
  readonly onError: (target: Target, error: unknown, args: Arguments) => ErrorDecision;
  readonly jitter: number;
  readonly key: ((target: Target, args: Arguments) => unknown) | undefined;
  readonly prepareArgs: ((target: Target, args: Arguments) => Arguments) | undefined;
  readonly version: string | undefined;
  readonly tags: (target: Target, value: unknown, args: Arguments) => readonly string[];
  readonly cacheIf: (target: Target, value: unknown, args: Arguments) => boolean;
  readonly processResult: ((target: Target, value: unknown, read: ProcessedRead) => unknown) | undefined;
  readonly batchSize: number;
  readonly queue: RefreshQueueOptions;
  readonly refreshEvery:
    { readonly timing: Timing; readonly args: (target: Target) => Awaitable<readonly Arguments[]> } | undefined;
  readonly warmOnStart: ((target: Target) => Awaitable<readonly Arguments[]>) | undefined;
  readonly store: string | undefined;
  readonly readOnly: boolean;
  /** Whether the entry depends on the cached values that its fetch read. */
  readonly nested: boolean;
  /** Whether values differ between the contexts of `forRoot`'s `context`. */
  readonly context: boolean;
  /** As the user gave them. The registry of the application checks them. */
  readonly types: readonly unknown[];
  /** The resolved times in words, for the start-up log. */
  readonly summary: string;
}

/** The longest lease of any job, so that a worker that dies is replaced within this time. */
export const LONGEST_LEASE = 10_000;
