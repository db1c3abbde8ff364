import { type Cluster, Redis } from 'ioredis';
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ChangeFeed, Store } from '../../lib/core/ports.js';
import { NearStore } from '../../lib/near/near-store.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import { KeyNames } from '../../lib/redis/key-names.js';
import { connectRedis } from '../../lib/redis/redis-connection.js';
import { StandstillWatch } from '../../lib/redis/standstill-watch.js';
import { RedisChangeFeed } from '../../lib/redis/redis-change-feed.js';
import { StoreUser } from '../../lib/testing/store-user.js';
import { type NearOptions, openNearStore, type OpenNearStore } from '../near/open-near-store.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { startProxy } from '../support/proxy.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';

/** Milliseconds for one interval and one deadline of the heartbeat, on a slow machine. */
const HEARTBEAT = 1_000;
const SLOW = 1_500;

let server: RedisServer;
let admin: Redis;
beforeEach(async () => {
  server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  admin = new Redis(server.url, { retryStrategy: () => 50, enableOfflineQueue: true });
  admin.on('error', () => undefined);
});
afterEach(async () => {
  admin.disconnect();
  await server.stop();
});

const userOf = (store: Store): StoreUser => new StoreUser({ store, advance: sleep, close: async () => undefined });

interface Pair extends OpenNearStore {
  readonly own: StoreUser;
  /** Another process. */
  readonly other: StoreUser;
}

async function openPair(url = server.url, options: NearOptions = {}): Promise<Pair> {
  const open = await openNearStore(url, { timeout: 500, ...options });
  const { store } = openRedisStore(server.url, { prefix: open.prefix });
  onTestFinished(async () => {
    await open.near.close();
    await store.close();
  });
  return { ...open, own: userOf(open.near), other: userOf(store) };
}

/** Milliseconds until the process reads the value of a key of which it holds a copy. */
async function delayOf(own: StoreUser, key: string, value: unknown, limit: number): Promise<number> {
  const from = performance.now();
  while ((await own.served(key)) !== value) {
    if (performance.now() - from > limit) return Infinity;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return performance.now() - from;
}

async function untilLive(feed: ChangeFeed, ms = 5_000): Promise<void> {
  await vi.waitFor(() => expect(feed.live).toBe(true), ms);
}

/** Another process sets a key of which this one holds a copy. Expects that the change is reported to this one. */
async function expectTold({ own, other }: Pair): Promise<void> {
  await own.store.read('told');
  for (const value of [1, 2, 3].map((n) => `${String(n)} ${String(Math.random())}`)) {
    await other.set('told', value);
    expect(await delayOf(own, 'told', value, SLOW)).toBeLessThan(SLOW);
  }
}

/** Waits until the process reads the key without asking the server. */
async function untilCopied(own: StoreUser, value: string): Promise<void> {
  await vi.waitFor(async () => {
    await own.store.read('key');
    expect(own.store.read('key')).toMatchObject({ value });
  });
}

/** Deletes an entry while the event loop of this process is blocked. */
function deleteBlocking(name: string): void {
  const program = `require('node:net').connect(${String(server.port)}, '127.0.0.1', function () {
    this.end('DEL ' + JSON.stringify(process.argv[1]) + '\\r\\n');
  }).on('close', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)).resume()`;
  execFileSync(process.execPath, ['-e', program, name]);
}

describe('a process whose event loop was blocked', () => {
  it('takes no copy for true before it has read what waits in its socket', async () => {
    const { own, other, prefix, near, feed } = await openPair();
    await other.set('key', 'old');
    await untilCopied(own, 'old');
    deleteBlocking(`${prefix}:e:{key}`);
    const read = near.read('key');
    expect(read).toBeInstanceOf(Promise);
    expect(await read).toBeUndefined();
    await untilLive(feed, 1_000);
  });

  it('control: without the watch it gives the deleted value', async () => {
    const isCurrent = vi.spyOn(StandstillWatch.prototype, 'isCurrent', 'get').mockReturnValue(true);
    onTestFinished(() => isCurrent.mockRestore());
    const { own, other, prefix, near } = await openPair();
    await other.set('key', 'old');
    await untilCopied(own, 'old');
    deleteBlocking(`${prefix}:e:{key}`);
    expect(near.read('key')).toMatchObject({ value: 'old' });
  });

  it('has its copies back when it has caught up: those that are right are no question to the server', async () => {
    const { own, other, near, feed } = await openPair();
    await other.set('key', 'value');
    await untilCopied(own, 'value');
    const until = performance.now() + 150;
    while (performance.now() < until);
    expect(feed.live).toBe(false);
    await untilLive(feed, 1_000);
    expect(near.read('key')).toMatchObject({ value: 'value' });
  });
});

describe('a change by another process', () => {
  const ROUNDS = 200;

  it(`is seen within moments (n = ${String(ROUNDS)}, in both directions)`, async () => {
    const pair = await openPair();
    const { own, other } = pair;
    const delays: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const key = `key ${String(round % 10)}`;
      await own.served(key);
      await other.set(key, round);
      delays.push(await delayOf(own, key, round, 5_000));
    }
    delays.sort((one, another) => one - another);
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => delays[Math.ceil(share * ROUNDS) - 1] ?? Infinity) as [
      number,
      number,
      number,
    ];
    console.log(
      `change seen by another process: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, most ${most.toFixed(2)} ms (n = ${String(ROUNDS)})`,
    );
    expect(p50).toBeLessThan(100);
    expect(p99).toBeLessThan(1_000);
  });

  it.each<[string, (user: StoreUser) => Promise<unknown>, unknown]>([
    ['set', (user) => user.set('key', 'new'), 'new'],
    ['fetched', (user) => user.fetched('key', 'new'), 'new'],
    ['deleted', async (user) => user.store.delete('key'), undefined],
    ['deleted by a tag', async (user) => user.store.deleteTags(['tag']), undefined],
    ['cleared', async (user) => user.store.clear(), undefined],
    ['flushed', () => admin.flushall(), undefined],
    ['flushed in the background', () => admin.flushall('ASYNC'), undefined],
  ])('is reported: %s', async (_, change, expected) => {
    const { own, other } = await openPair();
    await other.set('key', 'old', { tags: ['tag'] });
    expect(await own.served('key')).toBe('old');
    await change(other);
    expect(await delayOf(own, 'key', expected, SLOW)).toBeLessThan(SLOW);
  });

  it.each(['invalidated', 'invalidated by a tag'])('is reported: %s', async (how) => {
    const { own, other } = await openPair();
    await other.set('key', 'old', { tags: ['tag'] });
    expect(await own.decision('key')).toBe('fresh');
    if (how === 'invalidated') await other.store.invalidate('key');
    else await other.store.invalidateTags(['tag']);
    await vi.waitFor(async () => expect(await own.decision('key')).toBe('stale'), SLOW);
  });

  it('is reported: expired and evicted', async () => {
    const { own, other, client, prefix } = await openPair();
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await (client as Redis).pexpire(new KeyNames(prefix).entry('key'), 10);
    await vi.waitFor(async () => expect(await own.store.read('key')).toBeUndefined(), SLOW);
  });

  it('is reported for a key with any name', async () => {
    const { own, other } = await openPair();
    for (const key of ['', '}', '{', '{}', '%', '%}', 'a{b}c', 'ключ', 'a b\n*?[x]']) {
      await other.set(key, 'old');
      expect(await own.served(key)).toBe('old');
      await other.set(key, 'new');
      expect(await delayOf(own, key, 'new', SLOW)).toBeLessThan(SLOW);
    }
  });

  it('is not seen when the feed only says that it is live: the control', async () => {
    const deaf = (): ChangeFeed => ({ live: true, subscribe: () => undefined, close: () => undefined });
    const { own, other } = await openPair(server.url, { tamper: deaf });
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await other.set('key', 'new');
    expect(await delayOf(own, 'key', 'new', 1_000)).toBe(Infinity);
  });
});

describe('is live again, and reports changes, after', () => {
  const ids = async (): Promise<{ clients: string[]; subscribers: string[] }> => {
    const list = String(await admin.client('LIST'))
      .split('\n')
      .filter(Boolean);
    const tracking = list.filter((line) => /flags=\w*t/.test(line));
    const idsAt = (place: RegExp): string[] => tracking.map((line) => place.exec(line)?.[1] ?? '');
    return { clients: idsAt(/^id=(\d+)/), subscribers: idsAt(/ redir=(\d+)/) };
  };

  it.each(['clients', 'subscribers'] as const)('CLIENT KILL of the %s', async (which) => {
    const pair = await openPair();
    for (let round = 0; round < 3; round++) {
      await admin.client('KILL', 'ID', (await ids())[which][0] ?? '');
      await vi.waitFor(() => expect(pair.feed.live).toBe(false), { interval: 1 });
      await untilLive(pair.feed);
      await expectTold(pair);
    }
  });

  it('CLIENT KILL of both, again and again', async () => {
    const pair = await openPair();
    for (let round = 0; round < 10; round++) {
      const { clients, subscribers } = await ids();
      for (const id of [...clients, ...subscribers]) await admin.client('KILL', 'ID', id);
      await sleep(round * 10);
    }
    await untilLive(pair.feed);
    await sleep(HEARTBEAT);
    await untilLive(pair.feed);
    await expectTold(pair);
  });

  it.each(['with its data', 'empty'])('a restart of Redis, %s', async (how) => {
    const pair = await openPair();
    await pair.other.set('key', 'old');
    expect(await pair.own.served('key')).toBe('old');
    if (how === 'empty') await admin.flushall();
    await server.restart();
    const back = performance.now();
    await untilLive(pair.feed);
    console.log(`live again ${(performance.now() - back).toFixed(0)} ms after a restart`);
    expect(await pair.own.served('key')).toBe(how === 'empty' ? undefined : 'old');
    await vi.waitFor(() => pair.other.set('key', 'new'), 5_000);
    expect(await delayOf(pair.own, 'key', 'new', SLOW)).toBeLessThan(SLOW);
    await expectTold(pair);
  });

  it('a freeze of Redis: noticed by the heartbeat', async () => {
    const pair = await openPair();
    await pair.other.set('key', 'old');
    await pair.own.served('key');
    server.freeze();
    const from = performance.now();
    await vi.waitFor(() => expect(pair.feed.live).toBe(false), { timeout: HEARTBEAT + SLOW, interval: 5 });
    console.log(`a frozen Redis was noticed after ${(performance.now() - from).toFixed(0)} ms`);
    await sleep(1_000);
    server.thaw();
    await untilLive(pair.feed);
    await expectTold(pair);
  });

  it('CLIENT TRACKING OFF behind its back: noticed by the heartbeat', async () => {
    const pair = await openPair();
    const { own, other, client, feed } = pair;
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await (client as Redis).call('CLIENT', 'TRACKING', 'OFF');
    await other.set('key', 'new');
    const delay = await delayOf(own, 'key', 'new', HEARTBEAT + SLOW);
    console.log(`without tracking a change was seen after ${delay.toFixed(0)} ms`);
    expect(delay).toBeLessThan(HEARTBEAT + SLOW);
    await untilLive(feed);
    await expectTold(pair);
  });
});

describe('a connection on which nothing arrives any more', () => {
  it('is noticed by the heartbeat, and made anew', async () => {
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.stop());
    const pair = await openPair(`redis://127.0.0.1:${String(proxy.port)}`);
    const { own, other, feed } = pair;
    await other.set('key', 'old');
    expect(await own.served('key')).toBe('old');
    proxy.silence();
    const from = performance.now();
    await other.set('key', 'new');
    await vi.waitFor(() => expect(feed.live).toBe(false), { timeout: HEARTBEAT + SLOW, interval: 5 });
    await untilLive(feed, 12_000);
    console.log(`a silent network: live again after ${(performance.now() - from).toFixed(0)} ms`);
    expect(await own.served('key')).toBe('new');
    await expectTold(pair);
  }, 20_000);

  it('though the other one works', async () => {
    const proxy = await startProxy(server.port);
    onTestFinished(() => proxy.stop());
    const clock = new SystemClock();
    const client = connectRedis(server.url, () => undefined) as Redis;
    const viaProxy = connectRedis(`redis://127.0.0.1:${String(proxy.port)}`, () => undefined) as Redis;
    client.duplicate = (options) => viaProxy.duplicate(options);
    const names = new KeyNames('app');
    const feed = new RedisChangeFeed({ client, names, clock });
    const states: boolean[] = [];
    feed.subscribe({ changed: () => undefined, lost: () => states.push(false), restored: () => states.push(true) });
    onTestFinished(() => {
      feed.close();
      client.disconnect();
      viaProxy.disconnect();
    });
    await untilLive(feed);
    proxy.silence();
    await vi.waitFor(() => expect(feed.live).toBe(false), HEARTBEAT + SLOW);
    await untilLive(feed);
    await sleep(2 * HEARTBEAT);
    // Only once, so the dead connection was not trusted again in between.
    expect(states).toEqual([true, false, true]);
  });
});

describe('two servers of which one takes the place of the other, while a connection to the former lives on', () => {
  /** Makes the feed's own test changes seem to be reported. */
  const deceive = (client: Redis | Cluster): void => {
    const redis = client as Redis;
    const { duplicate, call } = redis;
    let subscriber: Redis | undefined;
    redis.duplicate = (options) => (subscriber = duplicate.call(redis, options));
    redis.call = (command: string, ...args: unknown[]) => {
      if (command === 'EVAL') subscriber?.emit('messageBuffer', Buffer.from(''), [Buffer.from(String(args[2]))]);
      return Reflect.apply(call, redis, [command, ...args]) as Promise<unknown>;
    };
  };

  it.each([
    ['it is not trusted', {}, true],
    ['where it seems to tell, it is trusted in vain: the control', { tamperClient: deceive }, false],
  ])('%s', async (_, options, isTold) => {
    const successor = await startRedis();
    // The id of the connection to the former master belongs to another client on the new one, too.
    const strangers = Array.from({ length: 30 }, () => new Redis(successor.url));
    await Promise.all(strangers.map((stranger) => stranger.ping()));
    const proxy = await startProxy(server.port);
    onTestFinished(async () => {
      for (const stranger of strangers) stranger.disconnect();
      await proxy.stop();
      await successor.stop();
    });
    const { own, feed, client, prefix } = await openPair(`redis://127.0.0.1:${String(proxy.port)}`, options);
    const { store } = openRedisStore(successor.url, { prefix });
    onTestFinished(() => store.close());
    proxy.target = successor.port;
    (client as Redis).disconnect(true);
    await vi.waitFor(() => expect(feed.live).toBe(false));
    await untilLive(feed);
    await userOf(store).set('key', 'old');
    expect(await own.served('key')).toBe('old');
    await userOf(store).set('key', 'new');
    expect((await delayOf(own, 'key', 'new', 1_000)) < 1_000).toBe(isTold);
  });
});

it('where tracking is forbidden, the store works without copies, which is reported once', async () => {
  await admin.acl('SETUSER', 'app', 'on', '>secret', 'allkeys', 'allchannels', '+@all', '-client|tracking');
  const url = `redis://app:secret@127.0.0.1:${String(server.port)}`;
  const { store } = openRedisStore(url);
  const refusals: unknown[] = [];
  const feed = store.changeFeed(new SystemClock(), (error) => refusals.push(error));
  const near = new NearStore({
    store,
    feed,
    clock: new SystemClock(),
    max: 10,
    age: 30_000,
    onFailure: () => undefined,
  });
  onTestFinished(() => near.close());
  const user = userOf(near);
  for (let round = 0; round < 3; round++) {
    await user.fetched('key', round);
    await sleep(300);
    expect(await user.served('key')).toBe(round);
    expect(feed.live).toBe(false);
  }
  await vi.waitFor(() => expect(refusals).toHaveLength(1), 10_000);
  await sleep(7 * HEARTBEAT);
  expect(refusals.map(String)).toEqual([expect.stringContaining('NOPERM')]);
}, 30_000);
