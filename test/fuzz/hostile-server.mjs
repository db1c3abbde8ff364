// What somebody with write access to Redis may put in the place of leases, tag indexes, stamps and entries, on a real
// server. After it no operation may fail, what is whole must be invalidated by its tag, and each key must be filled again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { SystemClock } from '../../dist/memory/system-clock.js';
import { MsgpackrCodec } from '../../dist/msgpackr/index.js';
import { RedisStore } from '../../dist/redis/redis-store.js';

const MINUTE = 60_000;
const CLAIM = { lease: 5_000, respectBackoff: false, takeOver: false };
const fill = (value) => ({ kind: 'value', value, copyOnRead: false, ttl: MINUTE, grace: MINUTE, tags: ['tag'] });

/** Undefined where there is no redis-server on the PATH. */
export async function startHostileServer(mutated) {
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-async-cache-fuzz-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  const failed = await Promise.race([once(server, 'spawn').then(() => false), once(server, 'error').then(() => true)]);
  if (failed) {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  process.once('exit', () => server.kill('SIGKILL'));
  const redis = new Redis({ port, host: '127.0.0.1' });
  redis.on('error', () => undefined);
  // The server may need a moment, and until then each attempt is an error.
  await new Promise((resolve) => redis.once('ready', resolve));
  const prefix = 'fuzz';
  const store = new RedisStore({ client: redis, prefix, codec: new MsgpackrCodec(), clock: new SystemClock() });
  const admin = redis.duplicate();
  return {
    attack: async (random) => {
      await attack({ redis: admin, store, prefix }, random, mutated);
      await admin.flushall();
    },
    async stop() {
      admin.disconnect();
      await store.close();
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function attack({ redis, store, prefix }, random, mutated) {
  await store.set('whole', fill('whole'));
  await store.set('broken', fill('old'));
  const acquired = await store.acquire(random(2) === 0 ? 'broken' : 'cold', CLAIM);
  if (random(2) === 0) await store.invalidateTags(['other']);
  for (let times = 1 + random(4); times > 0; times--) {
    const [kind, key] = [
      ['l', 'broken'],
      ['l', 'cold'],
      ['t', 'tag'],
      ['s', 'tag'],
      ['r', 'tag'],
      ['e', 'broken'],
    ][random(6)];
    await spoil(redis, `${prefix}:${kind}:{${key}}`, kind, random, mutated);
  }
  const { lease } = acquired;
  const operations = [
    () => store.read('broken'),
    () => store.readMany(['whole', 'broken', 'cold']),
    () => store.acquire('broken', CLAIM),
    () => store.acquire('cold', CLAIM),
    () => store.renew(lease, 5_000),
    () => store.commit(lease, fill('new')),
    () => store.release(lease, { kind: 'failed', message: 'boom', retryIn: 1 }, ['tag']),
    () => store.invalidate('broken'),
    () => store.leaseRemaining('broken'),
  ];
  for (let times = 2 + random(8); times > 0; times--) await operations[random(operations.length)]();
  await (random(3) === 0 ? store.deleteTags(['tag']) : store.invalidateTags(['tag']));
  const whole = await store.read('whole');
  if (whole !== undefined && whole.freshUntil >= store.now())
    throw new Error('what has the tag is fresh after its invalidation');
  if (random(4) === 0) await store.invalidateAll('');
  for (const key of ['broken', 'cold']) await fillAgain(store, key);
  await store.clear();
  const left = await redis.keys(`${prefix}:[el]:*`);
  if (left.length > 0) throw new Error(`clear() left ${left.join(', ')}`);
}

/** The first fetch may count as invalidated: a stamp may have been set to a time that is only a little ahead. */
async function fillAgain(store, key) {
  for (let fetches = 0; fetches < 2; fetches++) {
    const held = await store.acquire(key, CLAIM);
    if (held.kind === 'busy' && !(held.remaining <= 10_000)) throw new Error(`${key} is busy for ${held.remaining} ms`);
    const granted = held.kind === 'granted' ? held : await store.acquire(key, { ...CLAIM, takeOver: true });
    if (granted.kind !== 'granted') throw new Error(`${key} is ${granted.kind}`);
    if ((await store.commit(granted.lease, fill('filled'))) !== 'stored') continue;
    if ((await store.read(key))?.value !== 'filled') throw new Error(`${key} was stored and is not there`);
    return;
  }
  throw new Error(`${key} is not filled by two fetches`);
}

async function spoil(redis, name, kind, random, mutated) {
  const text = (written) => mutated(Buffer.from(written), random);
  const ways = [
    async () => redis.persist(name),
    async () => (await redis.exists(name)) && redis.pexpire(name, 1e12),
    async () => replaced(redis, name, () => redis.rpush(name, 'x', text('y'))),
    async () => replaced(redis, name, () => redis.hset(name, 'h', text('1 value 1.000 2.000 5.000 token ["tag"]'))),
    async () => replaced(redis, name, () => redis.xadd(name, '*', 'a', 'b')),
    async () => replaced(redis, name, () => redis.sadd(name, 'a', text('b'))),
    async () => {
      if (kind === 'l') return redis.set(name, text('+token\n"tag"\n!"other"'));
      if (kind === 's' || kind === 'r')
        return redis.set(name, [text('1764000000000.000'), '9'.repeat(15), 'inf', '1e300'][random(4)]);
      if (kind === 't')
        return redis
          .type(name)
          .then((type) => type === 'zset' && redis.zadd(name, ['inf', 1, 1e15][random(3)], text('broken')));
      const members = ['h', 'v', 'x', 'a'];
      return redis
        .type(name)
        .then(
          (type) =>
            type === 'hash' &&
            redis.hset(
              name,
              members[random(4)],
              text(`1 value ${Date.now()}.000 ${Date.now() + MINUTE}.000 60000.000 token ["tag"]`),
            ),
        );
    },
  ];
  await ways[random(ways.length)]();
}

async function replaced(redis, name, write) {
  await redis.unlink(name);
  await write();
}
