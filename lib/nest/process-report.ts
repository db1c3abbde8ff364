/** What one process tells of itself, about once a second while somebody looks at a dashboard. */
export interface ProcessReport {
  /** Differs between two processes, also of one host. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Whether it runs refreshes that other processes request. */
  readonly works: boolean;
  /** Milliseconds since the epoch, by the clock of that process. */
  readonly startedAt: number;
  /** Seconds since then at the time of the report, by a clock that nobody sets. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  /** Counts since it started, by job: {@link COUNTED} in this order. */
  readonly jobs: Readonly<Record<string, readonly number[]>>;
  /** Refreshes that waited in the queue and began here, and the seconds that they waited, together. */
  readonly waits: number;
  readonly waited: number;
  /** How many fetches took how long since it is watched: see {@link DurationBuckets}. */
  readonly durations: readonly (readonly [bucket: number, count: number])[];
  /** The latest ones, in their order. */
  readonly events: readonly ReportedEvent[];
}

export interface ReportedEvent {
  /** Counts up in one process. */
  readonly serial: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: string;
  readonly job: string;
  readonly key: string;
  /** What went wrong; empty where nothing did. */
  readonly text: string;
}

/** The counts of `JobStats` that a report carries. */
export const COUNTED = ['hits', 'stale', 'misses', 'fetches', 'failures', 'fenced', 'requested'] as const;
