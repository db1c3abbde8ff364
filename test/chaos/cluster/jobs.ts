/** Options of the jobs that the processes of a cluster may have. `tagged` and `batched` are defined by the program. */
export const JOBS = {
  plain: { ttl: '10m' },
  lag1: { ttl: '10m', queue: { delay: '1s' } },
  lag10: { ttl: '10m', queue: { delay: '10s' } },
  tagged: { ttl: '10m', tagged: true },
  /** Its lease is two seconds. */
  quick: { ttl: '10m', refreshTimeout: '2s', fetchTimeout: '60s' },
  /** Too old to be served as soon as it is stale. */
  strict: { ttl: '10m', fetchOnStaleThreshold: 0 },
  batched: { ttl: '10m', batched: true, batchSize: 7 },
  single: { ttl: '10m', batched: true, batchSize: 1 },
  /** Stale as soon as it is stored. */
  always: { ttl: '1ms', grace: '1h' },
  /** Stale as soon as it is stored, and then too old to be served. */
  alwaysStrict: { ttl: '1ms', grace: '1h', fetchOnStaleThreshold: 0 },
  failing: { ttl: '10m', backoff: { initial: '250ms' } },
  /** Fetches for the tenant in whose context it runs. */
  perTenant: { ttl: '100ms', perTenant: true },
  /** For a run of random faults. */
  brief: {
    ttl: '1s',
    grace: '20s',
    refreshTimeout: '3s',
    fetchTimeout: '5s',
    backoff: { initial: '200ms', max: '1s' },
  },
  briefTagged: {
    ttl: '1s',
    grace: '20s',
    refreshTimeout: '3s',
    fetchTimeout: '5s',
    backoff: { initial: '200ms', max: '1s' },
    tagged: true,
  },
} as const;

export type JobName = keyof typeof JOBS;
