// One process of a cluster, a web or a worker, on the built package. Its jobs fetch from the parent, which also tells it
// what to call. `sabotage` breaks one guarantee of the package, so that a check can show that it notices.
import { AsyncLocalStorage } from 'node:async_hooks';
import { sabotages } from './sabotages.mjs';

const { jobs, options, clockOffset, sabotage } = JSON.parse(process.env.CACHE_PROCESS);
// Before anything is loaded that may read the clock.
if (clockOffset !== 0) shiftClock(clockOffset);
await import('reflect-metadata');
const { NestFactory } = await import('@nestjs/core');
const { AsyncCache, AsyncCacheJob, AsyncCacheModule } = await import('nestjs-async-cache');
if (sabotage !== undefined) await sabotages[sabotage]();

process.once('disconnect', () => process.exit());

const fetches = new Map();
let lastFetch = 0;

function fetchFromParent(job, keys) {
  return new Promise((resolve, reject) => {
    const id = ++lastFetch;
    fetches.set(id, { resolve, reject });
    process.send({ fetch: id, job, keys });
  });
}

/** Whose request, or whose refresh, this is. */
const tenants = new AsyncLocalStorage();
const context = {
  capture: () => tenants.getStore(),
  run: (captured, fetch) => tenants.run(captured, fetch),
};

function jobClass(name, { tagged = false, batched = false, perTenant = false, ...own }) {
  class Job extends AsyncCacheJob {
    constructor() {
      super();
      Object.assign(this, { name }, own, tagged ? { tags: (value) => [`tag-of-${value.key}`] } : {});
      if (batched)
        this.fetchMany = (argsList) =>
          fetchFromParent(
            name,
            argsList.map(([key]) => key),
          );
    }
    async fetch(key) {
      const [value] = await fetchFromParent(name, [perTenant ? `${tenants.getStore()}/${key}` : key]);
      return value;
    }
  }
  return Job;
}

const classes = Object.fromEntries(Object.entries(jobs).map(([name, own]) => [name, jobClass(name, own)]));
class App {}
const app = await NestFactory.createApplicationContext(
  { module: App, imports: [AsyncCacheModule.forRoot({ ...options, context })], providers: Object.values(classes) },
  { logger: false },
);
const cache = app.get(AsyncCache);
const jobOf = Object.fromEntries(Object.entries(classes).map(([name, cls]) => [name, app.get(cls)]));

const failures = new Map();
cache.events$.subscribe(({ type, operation = '', error }) => {
  if (error === undefined) return;
  const what = `${type} ${operation} ${error?.message ?? error}`;
  failures.set(what, (failures.get(what) ?? 0) + 1);
});

const calls = {
  read: (job, key) => jobOf[job].read(key),
  peek: (job, key) => jobOf[job].peek(key),
  set: (job, key, value, ttl) => jobOf[job].set([key], value, ttl === undefined ? {} : { ttl }),
  /** All of them at once. */
  setMany: async (job, entries, ttl) =>
    void (await Promise.all(entries.map(([key, value]) => jobOf[job].set([key], value, { ttl })))),
  refresh: (job, key) => jobOf[job].refresh(key),
  invalidate: (job, key) => jobOf[job].invalidate(key),
  delete: (job, key) => jobOf[job].delete(key),
  invalidateTag: (job, key) => cache.invalidateTags(`tag-of-${key}`),
  deleteTag: (job, key) => cache.deleteTags(`tag-of-${key}`),
  getMany: (job, keys) => jobOf[job].getMany(keys.map((key) => [key])),
  failures: () => Object.fromEntries(failures),
  stats: () => cache.stats(),
  /** In bytes, since the start of the process. */
  peakRss: () => process.resourceUsage().maxRSS * 1024,

  /** Many readers of each key at once. How they fared, and the oldest and newest version that any of them got. */
  async storm(job, keys, readers) {
    const result = { answered: 0, failed: 0, hit: 0, stale: 0, miss: 0, versions: {} };
    const one = async (key) => {
      try {
        const { value, status } = await jobOf[job].read(key);
        result.answered++;
        result[status]++;
        const [oldest, newest] = (result.versions[key] ??= [value.version, value.version]);
        result.versions[key] = [Math.min(oldest, value.version), Math.max(newest, value.version)];
      } catch {
        result.failed++;
      }
    };
    await Promise.all(keys.flatMap((key) => Array.from({ length: readers }, () => one(key))));
    return result;
  },

  /**
   * Reads a key all the time for a while. How many reads came right after a standstill of the process, and how many of them
   * were given a value of the version or older.
   */
  async readThrough(job, key, version, ms) {
    const end = performance.now() + ms;
    const result = { standstills: 0, old: 0 };
    let last = performance.now();
    let suspect = 0;
    while (performance.now() < end) {
      const now = performance.now();
      if (now - last > 200) {
        result.standstills++;
        suspect = 20;
      }
      last = now;
      const reading = jobOf[job].read(key);
      if (suspect > 0) {
        suspect--;
        const { value, status } = await reading;
        if (status === 'hit' && value.version <= version) result.old++;
      } else await reading.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return result;
  },

  /** Reads for tenants at random, with an invalidation now and then; how many got what is another tenant's. */
  async readForTenants(job, keys, { names, reads, readers }) {
    const pick = (list) => list[Math.floor(Math.random() * list.length)];
    const result = { read: 0, foreign: 0, failed: 0, hit: 0, stale: 0, miss: 0 };
    const one = async () => {
      while (result.read < reads) {
        result.read++;
        // A read from a copy never lets anything else happen.
        if (result.read % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        const tenant = pick(names);
        const key = pick(keys);
        try {
          await tenants.run(tenant, async () => {
            if (Math.random() < 0.02) await jobOf[job].invalidate(key);
            const { value, status } = await jobOf[job].read(key);
            result[status]++;
            if (value.key !== `${tenant}/${key}`) result.foreign++;
          });
        } catch {
          result.failed++;
        }
      }
    };
    await Promise.all(Array.from({ length: readers }, one));
    return result;
  },

  /** Readers who each read one key after another for a while. */
  async load(job, keys, { readers, ms, pause }) {
    const end = performance.now() + ms;
    const waits = [];
    const result = { answered: 0, failed: 0, errors: [] };
    const one = async (reader) => {
      for (let turn = reader; performance.now() < end; turn++) {
        const start = performance.now();
        try {
          await jobOf[job].read(keys[turn % keys.length]);
          result.answered++;
        } catch (error) {
          result.failed++;
          if (result.errors.length < 3) result.errors.push(String(error));
        }
        waits.push(performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    };
    await Promise.all(Array.from({ length: readers }, (_, reader) => one(reader)));
    return { ...result, waits: waits.map((wait) => Math.round(wait * 100) / 100) };
  },

  /** How long reads take, one after another, in milliseconds; of two jobs in turns, so that both meet the same machine. */
  async race(one, other, key, rounds) {
    const waits = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const [index, job] of [one, other].entries()) {
        const start = performance.now();
        await jobOf[job].read(key);
        waits[index].push(performance.now() - start);
      }
      if (round % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return waits;
  },
};

process.on('message', async ({ call, name, args, fetched, values, error }) => {
  if (fetched !== undefined) {
    const { resolve, reject } = fetches.get(fetched);
    fetches.delete(fetched);
    if (error === undefined) resolve(values);
    else reject(new Error(error));
    return;
  }
  try {
    const value = await calls[name](...args);
    process.send({ answer: call, value });
  } catch (failure) {
    process.send({ answer: call, error: String(failure?.message ?? failure) });
  }
});
process.send({ ready: true });

function shiftClock(ms) {
  const RealDate = Date;
  globalThis.Date = class Date extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(RealDate.now() + ms);
      else super(...args);
    }
    static now() {
      return RealDate.now() + ms;
    }
  };
}
