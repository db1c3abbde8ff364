import type { CacheHealth } from '../core/cache.js';
import type { ReportedEvent } from '../nest/process-report.js';

/** A point of the charts: what the whole application did in about a second. */
export interface FleetTick {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Events a second, by job: `COUNTED` in this order. */
  readonly jobs: Readonly<Record<string, readonly number[]>>;
  /** Seconds that half of the fetches, and all but one in a hundred, did not exceed; null without a fetch. */
  readonly median: number | null;
  readonly p99: number | null;
  /** Seconds that the refreshes which began had waited for their worker, on average; null when none began. */
  readonly wait: number | null;
  /** Null: the queue cannot be reached. */
  readonly queue: CacheHealth['queue'] | null;
}

/** What goes to each page once a second. */
export interface FleetUpdate extends FleetTick {
  readonly stores: CacheHealth['stores'];
  /** Milliseconds. */
  readonly failingFor: number;
  readonly processes: readonly ShownProcess[];
  /** Those since the last update. */
  readonly events: readonly ShownEvent[];
  /** What keeps the page from showing everything. */
  readonly problem?: string;
}

export interface ShownProcess {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly works: boolean;
  readonly startedAt: number;
  readonly memory: number;
  /** Reads a second. */
  readonly reads: number;
  /** Fetches a second. */
  readonly fetches: number;
  /** Whether it is the process that serves the page. */
  readonly here: boolean;
}

export interface ShownEvent extends Omit<ReportedEvent, 'serial'> {
  /** As `host:pid`. */
  readonly process: string;
}
