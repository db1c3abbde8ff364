// Each breaks one guarantee of the package. A check of that guarantee that still passes proves nothing.

/** Loaded late: the process may have a clock to shift before. */
const redis = () => import('nestjs-async-cache/redis');

async function patchStore(method, replace) {
  const { RedisStore } = await redis();
  const original = RedisStore.prototype[method];
  RedisStore.prototype[method] = replace(original);
}

async function patchAcquire(change) {
  await patchStore(
    'acquire',
    (acquire) =>
      function (key, claim) {
        return acquire.call(this, key, change(claim));
      },
  );
}

export const sabotages = {
  /** Stores what was fetched, whoever holds the lease by then. */
  'no-fence': () =>
    patchStore(
      'commit',
      () =>
        async function ({ key }, fill) {
          await this.set(key, fill);
          return 'stored';
        },
    ),

  /** The queue takes every request, and the worker looks neither whether there is something newer nor who is fetching. */
  async 'no-dedup'() {
    const { Queue } = await import('bullmq');
    const { add, addBulk } = Queue.prototype;
    Queue.prototype.add = function (name, data, opts) {
      return add.call(this, name, data, { ...opts, deduplication: undefined });
    };
    Queue.prototype.addBulk = function (jobs) {
      return addBulk.call(
        this,
        jobs.map((job) => ({ ...job, opts: { ...job.opts, deduplication: undefined } })),
      );
    };
    await patchAcquire((claim) => ({ ...claim, generation: undefined, takeOver: true }));
  },

  /** Everybody gets the right to fill. */
  'no-lease': () => patchAcquire((claim) => ({ ...claim, generation: undefined, takeOver: true })),

  /** A holder who dies keeps the right to fill. */
  'endless-lease': () => patchAcquire((claim) => ({ ...claim, lease: 3_600_000 })),

  /** Nobody remembers that a fetch failed, or that a refresh was asked for. */
  async 'no-backoff'() {
    await patchStore(
      'release',
      (release) =>
        function (lease) {
          return release.call(this, lease, { kind: 'unfilled' });
        },
    );
    const { RefreshRequests } = await import('../../../dist/core/job/refresh-requests.js');
    const { want } = RefreshRequests.prototype;
    RefreshRequests.prototype.want = function (job, wanted, seen) {
      this.ended(wanted.key);
      return want.call(this, job, wanted, seen);
    };
  },

  /** A process that stood still goes on as if it had not. */
  async 'no-standstill-watch'() {
    const { StandstillWatch } = await import('../../../dist/redis/standstill-watch.js');
    Object.defineProperty(StandstillWatch.prototype, 'isCurrent', { get: () => true });
  },

  /** A tenant is part of no key. */
  async 'no-context'() {
    const { JobKeys } = await import('../../../dist/core/job/job-keys.js');
    const { of } = JobKeys.prototype;
    JobKeys.prototype.of = function (target, args) {
      return of.call(this, target, args, undefined);
    };
  },

  /** A store that failed once is never asked again. */
  'no-return': () =>
    patchStore('read', (read) => {
      let failed = false;
      return async function (key) {
        if (failed) throw new Error('not asked again');
        try {
          return await read.call(this, key);
        } catch (error) {
          failed = true;
          throw error;
        }
      };
    }),

  /** The host's clock instead of the server's. */
  async 'host-clock'() {
    await patchStore('now', () => () => Date.now());
    await patchStore(
      'acquire',
      (acquire) =>
        async function (key, claim) {
          const acquired = await acquire.call(this, key, claim);
          return acquired.kind === 'granted'
            ? { ...acquired, lease: { ...acquired.lease, grantedAt: Date.now() } }
            : acquired;
        },
    );
  },
};
