// What is checked in an application of each combination. `load` is `require` or `import()`: the two ways in which an
// application of CommonJS and one of ES modules get their packages.
const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

const LONGEST_WAIT = 20_000;

/** Decorators as a compiler applies them. */
function decorate(cls, method, decorator) {
  const { prototype } = cls;
  Reflect.defineMetadata('design:returntype', Promise, prototype, method);
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  Object.defineProperty(prototype, method, decorator(prototype, method, descriptor) ?? descriptor);
}

async function until(check) {
  for (const from = Date.now(); ; await sleep(20)) {
    const done = await check();
    if (done || Date.now() - from > LONGEST_WAIT) return done;
  }
}

async function start(load, options) {
  await load('reflect-metadata');
  const { Injectable, Module } = await load('@nestjs/common');
  const { NestFactory } = await load('@nestjs/core');
  const { AsyncCache, AsyncCached, AsyncCacheJob, AsyncCacheModule } = await load('nestjs-async-cache');
  class Reports {
    async sales(region) {
      return { region, pid: process.pid, number: Math.random(), at: new Date(0) };
    }
  }
  Injectable()(Reports);
  decorate(Reports, 'sales', AsyncCached({ ttl: '1h', tags: (_, region) => [`region:${region}`] }));

  class Tweets extends AsyncCacheJob {
    ttl = 60;
    async fetch(name) {
      return [name, 1n, new Map([['a', 1]])];
    }
  }
  Injectable()(Tweets);

  class Application {}
  Module({ imports: [AsyncCacheModule.forRoot({ storeTimeout: '20s', ...options })], providers: [Reports, Tweets] })(
    Application,
  );

  const app = await NestFactory.createApplicationContext(Application, { logger: ['error', 'warn'] });
  const cache = app.get(AsyncCache);
  const failures = [];
  cache.events$.subscribe((event) => {
    if (event.type.endsWith('-failed')) failures.push(event);
  });
  return { app, cache, failures, reports: app.get(Reports), tweets: app.get(Tweets) };
}

/** Reads, a refresh by `refresher` (a process id), writes and tags. */
async function exercise({ cache, reports, tweets, failures }, refresher) {
  const sales = cache.of(reports, 'sales');
  const first = await reports.sales('eu');
  assert.deepEqual(await sales.read('eu').then(({ value, status }) => [value, status]), [first, 'hit']);
  assert.ok(first.at instanceof Date);
  assert.deepEqual(await tweets.get('bob'), ['bob', 1n, new Map([['a', 1]])]);

  await cache.invalidateTags('region:eu');
  const stale = await sales.read('eu');
  assert.deepEqual([stale.value, stale.status], [first, 'stale']);
  assert.ok(await until(async () => (await sales.peek('eu'))?.value.number !== first.number));
  const refreshed = await until(async () => {
    const { value, status } = await sales.read('eu');
    return status === 'hit' && value;
  });
  assert.equal(refreshed.pid, refresher);
  assert.ok(refreshed.at instanceof Date);

  await sales.set(['us'], { ...first, region: 'us' });
  assert.equal((await reports.sales('us')).region, 'us');
  assert.equal(await sales.delete('us'), true);
  assert.equal(await sales.peek('us'), undefined);
  assert.equal((await sales.explain('eu')).workers, 1);
  assert.deepEqual(failures, []);
}

/** @param load gets a package by its name; @param main the file of a worker process, run with `worker` */
exports.run = async function run(load, main) {
  const redis = { url: process.env.REDIS_URL };
  const prefix = `versions-${process.pid}`;
  if (process.argv[2] === 'worker') {
    const worker = await start(load, { connection: redis, prefix: process.argv[3] });
    process.on('disconnect', () => worker.app.close().then(() => process.exit()));
    process.send('ready');
    return;
  }
  const embedded = await start(load, {});
  await exercise(embedded, process.pid);
  await embedded.app.close();

  const alone = await start(load, { connection: redis, prefix: `${prefix}-alone` });
  await until(async () => (await alone.cache.of(alone.reports, 'sales').explain('eu')).workers === 1);
  await exercise(alone, process.pid);
  await alone.app.close();

  const worker = fork(main, ['worker', prefix]);
  await once(worker, 'message');
  const web = await start(load, { connection: redis, prefix, worker: false });
  await until(async () => (await web.cache.of(web.reports, 'sales').explain('eu')).workers === 1);
  await exercise(web, worker.pid);
  await web.app.close();
  worker.disconnect();
  await once(worker, 'exit');
  console.log('passed');
};
