// Counts what one operation costs where a clock would say little on a busy machine: bytes allocated, promises made, and
// readings of the clock. Prints JSON. `--sabotage` makes each read allocate more than it should: the control of the test.
//
// Bytes are the growth of the heap between two readings without a collection, in a process whose young generation is
// large enough and whose optimising compiler is off, so that they do not depend on what it removes, and when.
import { createHook } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import v8 from 'node:v8';
import 'reflect-metadata';

v8.setFlagsFromString('--no-opt');
const root = process.env.PACKAGE_ROOT ?? new URL('../../dist/', import.meta.url).href;
const { AsyncCache, AsyncCached, AsyncCacheJob, AsyncCacheModule } = await import(new URL('index.js', root));
const { Test } = await import('@nestjs/testing');
const isSabotaged = process.argv.includes('--sabotage');

class Reads extends AsyncCacheJob {
  ttl = '1h';
  async fetch(key) {
    return { key };
  }
}

class Stale extends AsyncCacheJob {
  ttl = '1h';
  async fetch() {
    return new Promise(() => undefined);
  }
}

class Service {
  async byName(name) {
    return { name };
  }
  async byQuery(query) {
    return { query };
  }
}
for (const method of ['byName', 'byQuery']) {
  const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, method);
  Reflect.defineMetadata('design:returntype', Promise, Service.prototype, method);
  AsyncCached('1h')(Service.prototype, method, descriptor);
  Object.defineProperty(Service.prototype, method, descriptor);
}

const application = await Test.createTestingModule({
  imports: [AsyncCacheModule.forRoot()],
  providers: [Reads, Stale, Service],
})
  .setLogger(false)
  .compile();
await application.init();
const reads = application.get(Reads);
const stale = application.get(Stale);
const service = application.get(Service);
const query = { tenant: 'a', page: 3, filters: { status: 'open' } };

await reads.get('hot');
await service.byName('hot');
await service.byQuery(query);
await stale.set(['hot'], { key: 'hot' });
await stale.invalidate('hot');

const get = isSabotaged ? async (key) => ({ ...(await reads.get(key)) }) : (key) => reads.get(key);
let filled = 0;
const operations = {
  hit: () => get('hot'),
  decoratedHit: () => service.byName('hot'),
  decoratedObjectHit: () => service.byQuery(query),
  facadeHit: () => application.get(AsyncCache).of(service, 'byName').get('hot'),
  staleRead: () => stale.get('hot'),
  fill: () => reads.get(`key-${filled++}`),
};

const counts = {};
for (const [name, run] of Object.entries(operations)) {
  const calls = 500;
  // The first calls make what is made once: feedback of the interpreter, keys, requests.
  for (let call = 0; call < 500; call++) await run();
  counts[name] = {
    bytes: await bytesOf(run, calls),
    promises: await promisesOf(run, calls),
    clock: await clockReadingsOf(run, calls),
  };
}
await application.close();
console.log(JSON.stringify(counts));
process.exit();

async function bytesOf(run, calls) {
  const runs = [];
  for (let round = 0; round < 5; round++) {
    await nextTurn();
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < calls; call++) await run();
    runs.push((process.memoryUsage().heapUsed - before) / calls);
  }
  // A round in which a table grew shows more, one in which garbage of before was swept shows less.
  return Math.round(runs.sort((a, b) => a - b)[2]);
}

async function promisesOf(run, calls) {
  let promises = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') promises++;
    },
  }).enable();
  for (let call = 0; call < calls; call++) await run();
  hook.disable();
  return Math.round(promises / calls);
}

async function clockReadingsOf(run, calls) {
  const original = Date.now;
  let readings = 0;
  Date.now = () => {
    readings++;
    return original();
  };
  try {
    for (let call = 0; call < calls; call++) await run();
  } finally {
    Date.now = original;
  }
  return Math.round((100 * readings) / calls) / 100;
}
