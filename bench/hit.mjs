// Cost of a fresh hit beside its limit, in one process: medians of 5 rounds that are interleaved, so that a machine whose
// speed drifts slows both. Quote the ratios. Needs a build; the Redis part needs REDIS_URL or a redis-server on the PATH.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { AsyncCache, AsyncCached, AsyncCacheJob, AsyncCacheModule } from 'nestjs-async-cache';

const ROUNDS = 5;

class Jobs extends AsyncCacheJob {
  ttl = '1h';
  async fetch(key) {
    return { key };
  }
}

class Documents extends AsyncCacheJob {
  ttl = '1h';
  async fetch(bytes) {
    return documentOf(bytes);
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

const names = Array.from({ length: 1_000 }, (_, index) => `name-${index}`);
const queries = names.map((tenant, page) => ({
  tenant,
  page,
  filters: { status: 'open', tags: ['a', 'b'] },
  since: '2026-01-01',
}));

/** A hand-written cache of 20 lines: what a careful person would write in the service. */
class HandWritten {
  #entries = new Map();
  constructor(ttl, fetch, keyOf = (argument) => argument) {
    Object.assign(this, { ttl, fetch, keyOf });
  }
  async get(argument) {
    const key = this.keyOf(argument);
    const entry = this.#entries.get(key);
    if (entry !== undefined && Date.now() < entry.until) return entry.value;
    const value = await this.fetch(argument);
    this.#entries.set(key, { value, until: Date.now() + this.ttl });
    return value;
  }
}

const module = await Test.createTestingModule({
  imports: [AsyncCacheModule.forRoot()],
  providers: [Jobs, Service],
})
  .setLogger(false)
  .compile();
await module.init();
const jobs = module.get(Jobs);
const service = module.get(Service);
const facade = module.get(AsyncCache).of(service, 'byName');

const map = new Map(names.map((name) => [name, { name }]));
const hand = new HandWritten(3_600_000, async (name) => ({ name }));
const handByQuery = new HandWritten(3_600_000, async (query) => ({ query }), JSON.stringify);

const memory = {
  'await map.get': { calls: 400_000, run: (i) => map.get(names[i]) },
  'hand-written Map cache': { calls: 400_000, run: (i) => hand.get(names[i]) },
  'job.get, string': { calls: 400_000, run: (i) => jobs.get(names[i]), limit: 'await map.get', aim: 2 },
  'asyncCache.of(…).get, string': { calls: 400_000, run: (i) => facade.get(names[i]) },
  'decorated, string': {
    calls: 400_000,
    run: (i) => service.byName(names[i]),
    limit: 'hand-written Map cache',
    aim: 2,
  },
  'hand-written, JSON.stringify key': { calls: 100_000, run: (i) => handByQuery.get(queries[i]) },
  'decorated, object': {
    calls: 100_000,
    run: (i) => service.byQuery(queries[i]),
    limit: 'hand-written, JSON.stringify key',
    aim: 1.5,
  },
};

await measure('memory', memory, 'ns', 1e6);
await module.close();
await measureRedis();

/** A fresh hit over the wire beside the least that any cache on Redis must do: GET and JSON.parse, same kind of client. */
async function measureRedis() {
  const server = await redisServer();
  const { Redis } = await import('ioredis');
  const client = new Redis(server.url);
  const redisModule = await Test.createTestingModule({
    imports: [
      AsyncCacheModule.forRoot({
        connection: { url: server.url },
        store: { connection: { url: server.url } },
        prefix: `bench-${process.pid}`,
        near: false,
        worker: false,
      }),
    ],
    providers: [Documents],
  })
    .setLogger(false)
    .compile();
  await redisModule.init();
  const documents = redisModule.get(Documents);
  for (const [size, bytes, calls] of [
    ['1 KiB', 1_024, 4_000],
    ['100 KiB', 102_400, 300],
  ]) {
    const text = JSON.stringify(documentOf(bytes));
    await client.set(`bench-${process.pid}-${size}`, text);
    const get = async () => JSON.parse(await client.get(`bench-${process.pid}-${size}`));
    const limit = 'ioredis GET + JSON.parse';
    await measure(
      `Redis, ${size}, near tier off`,
      {
        [limit]: { calls, run: get },
        'job.get': { calls, run: () => documents.get(bytes), limit, aim: 1.1 },
      },
      'µs',
      1e3,
    );
    const many = (run) => () => Promise.all(Array.from({ length: 64 }, run));
    await measure(
      `Redis, ${size}, 64 different keys at once, near tier off`,
      {
        [limit]: { calls: Math.ceil(calls / 40), run: many(get) },
        'job.get': {
          calls: Math.ceil(calls / 40),
          run: many((_, index) => documents.get(bytes, index)),
          limit,
          aim: 1.1,
        },
      },
      'µs for 64',
      1e3,
    );
  }
  await redisModule.close();
  await client.quit();
  server.stop();
}

/** Records as an API returns them. */
function documentOf(bytes) {
  const records = [];
  while (JSON.stringify(records).length < bytes) {
    const id = records.length;
    records.push({
      id,
      name: `City number ${id}`,
      country: 'DE',
      population: id * 1_117,
      location: { lat: 52.5 + id / 100, lon: 13.4 - id / 100 },
      capital: id % 7 === 0,
      tags: ['a', 'b'],
    });
  }
  return records;
}

async function redisServer() {
  if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop: () => undefined };
  const port = await new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
  const dir = mkdtempSync(join(tmpdir(), 'async-cache-bench-'));
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir],
    { stdio: 'ignore' },
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () => {
      child.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function measure(title, subjects, unit, perMillisecond) {
  const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
  for (const { run, calls } of Object.values(subjects)) for (let i = 0; i < Math.min(1_000, calls); i++) await run(i);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { calls, run }] of Object.entries(subjects)) {
      const startedAt = performance.now();
      for (let i = 0; i < calls; i++) await run(i % names.length);
      times[name].push(((performance.now() - startedAt) / calls) * perMillisecond);
    }
  }
  console.log(`\n${title} (medians of ${ROUNDS}, ${unit})`);
  for (const [name, { limit, aim }] of Object.entries(subjects)) {
    const beside =
      limit === undefined
        ? ''
        : `  ${median(times[name].map((time, round) => time / times[limit][round])).toFixed(2)} × ${limit} (aim ≤ ${aim})`;
    console.log(
      `  ${name.padEnd(36)} ${median(times[name])
        .toFixed(unit === 'ns' ? 0 : 1)
        .padStart(8)}${beside}`,
    );
  }
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.trunc(numbers.length / 2)];
}
