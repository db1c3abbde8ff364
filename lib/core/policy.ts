import type { Staleness } from './decide.js';
import type { ProcessedRead } from './job-options.js';
import type { Awaitable, RefreshQueueOptions } from './ports.js';

/** The instance whose method or job is being read; the `this` of every option that is a function. */
export type Target = object;
export type Arguments = readonly unknown[];

/** `onError` with its duration in milliseconds. */
export type ErrorDecision = 'stale' | 'delete' | { readonly ttl: number };

/** The options of one job, checked, with defaults, in milliseconds. */
export interface JobPolicy {
  readonly ttl: (target: Target, value: unknown, args: Arguments) => number;
  readonly grace: (target: Target, value: unknown, args: Arguments) => number;
  readonly fetchOnMiss: (target: Target, args: Arguments) => boolean;
  readonly empty: (target: Target, args: Arguments) => unknown;
  readonly staleness: (target: Target, args: Arguments) => Staleness;
  readonly refreshTimeout: number;
  readonly lease: number;
  readonly fetchTimeout: number;
  /** How long to wait after the given number of failures in a row. */
  readonly backoff: (failures: number) => number;
  readonly onError: (target: Target, error: unknown, args: Arguments) => ErrorDecision;
  readonly jitter: number;
  readonly key: ((target: Target, args: Arguments) => unknown) | undefined;
  readonly prepareArgs: ((target: Target, args: Arguments) => Arguments) | undefined;
  readonly version: string | undefined;
  readonly tags: (target: Target, value: unknown, args: Arguments) => readonly string[];
  readonly cacheIf: (target: Target, value: unknown, args: Arguments) => boolean;
  readonly processResult:
    | ((target: Target, value: unknown, read: ProcessedRead) => unknown)
    | undefined;
  readonly batchSize: number;
  readonly queue: RefreshQueueOptions;
  readonly refreshEvery:
    | { readonly every: number; readonly args: (target: Target) => Awaitable<readonly Arguments[]> }
    | undefined;
  readonly warmOnStart: ((target: Target) => Awaitable<readonly Arguments[]>) | undefined;
  readonly store: string | undefined;
  /** The resolved times in words, for the start-up log. */
  readonly summary: string;
}

/** A lease is this short, whatever the job: a worker that dies is replaced within it. */
export const LONGEST_LEASE = 10_000;
