import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Fill } from '../../lib/core/entry.js';
import { StoreError, StoreSuspendedError } from '../../lib/core/errors.js';
import type { Lease } from '../../lib/core/ports.js';
import { GuardedStore } from '../../lib/core/store/guarded-store.js';
import { SystemClock } from '../../lib/memory/system-clock.js';
import type { RedisStore } from '../../lib/redis/redis-store.js';
import { UnacknowledgedLeases } from '../../lib/redis/unacknowledged-leases.js';
import { openRedisStore } from '../support/open-redis-store.js';
import { startProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';

describe('a lease whose end was lost with the connection', () => {
  /** A lease longer than any test waits. */
  const claim = { lease: 60_000, respectBackoff: false, takeOver: false };
  const fill: Fill = { kind: 'value', value: 1, copyOnRead: false, ttl: 60_000, grace: 0, tags: [] };

  interface Scene {
    readonly holder: GuardedStore;
    readonly lease: Lease;
    readonly other: RedisStore;
    /** The holder has no connection to the server. */
    lose(): Promise<void>;
    /** It has one again. */
    find(): Promise<void>;
  }

  async function scene(how: 'cut' | 'restart with data'): Promise<Scene> {
    const args = ['--appendonly', 'yes', '--appendfsync', 'always'];
    const server = await startRedis(how === 'cut' ? {} : { args });
    const proxy = await startProxy(server.port);
    const open = openRedisStore(`redis://127.0.0.1:${String(proxy.port)}`);
    const other = openRedisStore(server.url, { prefix: open.prefix });
    onTestFinished(async () => {
      await Promise.all([open.store.close(), other.store.close()]);
      await proxy.stop();
      await server.stop();
    });
    const holder = new GuardedStore(open.store, 500, new SystemClock());
    for (const store of [holder, other.store]) await store.read('key');
    const acquired = await holder.acquire('key', claim);
    if (acquired.kind !== 'granted') throw new Error(acquired.kind);
    expect((await other.store.acquire('key', claim)).kind).toBe('busy');
    return {
      holder,
      lease: acquired.lease,
      other: other.store,
      async lose() {
        if (how === 'cut') {
          proxy.target = 1;
          proxy.cut(...Array(10).keys());
        } else await server.kill();
        await vi.waitFor(() => expect(open.client.status).not.toBe('ready'));
      },
      async find() {
        if (how === 'cut') proxy.target = server.port;
        else await server.restart();
        await vi.waitFor(() => expect(open.client.status).toBe('ready'));
        await vi.waitFor(() => holder.read('key'));
        await vi.waitFor(() => other.store.read('key'));
      },
    };
  }

  const isFree = async ({ other }: Scene): Promise<boolean> =>
    vi
      .waitFor(async () => expect((await other.acquire('key', claim)).kind).toBe('granted'), 1_000)
      .then(
        () => true,
        () => false,
      );

  const ends: readonly [string, (scene: Scene) => unknown][] = [
    ['a commit', ({ holder, lease }) => holder.commit(lease, fill)],
    ['a release', ({ holder, lease }) => holder.release(lease, { kind: 'unfilled' })],
    [
      'a release of a store that is left alone after failures',
      async ({ holder, lease }) => {
        for (let failures = 0; failures < 3; failures++) await holder.read('key').catch(() => undefined);
        await expect(holder.commit(lease, fill)).rejects.toBeInstanceOf(StoreSuspendedError);
        await holder.release(lease, { kind: 'unfilled' });
      },
    ],
  ];

  for (const how of ['cut', 'restart with data'] as const) {
    it.each(ends)(`is given back after %s (${how})`, async (_, end) => {
      const played = await scene(how);
      await played.lose();
      await expect(Promise.resolve(end(played))).rejects.toBeInstanceOf(StoreError);
      await played.find();
      expect(await isFree(played)).toBe(true);
    });
  }

  it('and would be in the way until it runs out: the control', async () => {
    const add = vi.spyOn(UnacknowledgedLeases.prototype, 'add').mockImplementation(() => undefined);
    onTestFinished(() => add.mockRestore());
    const played = await scene('cut');
    await played.lose();
    await expect(played.holder.commit(played.lease, fill)).rejects.toBeInstanceOf(StoreError);
    await played.find();
    expect(await isFree(played)).toBe(false);
  });

  it('stays while its holder still fetches, which then fills the key', async () => {
    const played = await scene('cut');
    await played.lose();
    await expect(played.holder.renew(played.lease, 60_000)).rejects.toBeInstanceOf(StoreError);
    await played.find();
    expect(await isFree(played)).toBe(false);
    expect(await played.holder.renew(played.lease, 60_000)).toBe(true);
    expect(await played.holder.commit(played.lease, fill)).toBe('stored');
  });

  it('is not the one of a holder that has taken over meanwhile: the fence', async () => {
    const played = await scene('cut');
    await played.lose();
    await expect(played.holder.commit(played.lease, fill)).rejects.toBeInstanceOf(StoreError);
    const taken = await played.other.acquire('key', { ...claim, takeOver: true });
    if (taken.kind !== 'granted') throw new Error(taken.kind);
    await played.find();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await played.other.commit(taken.lease, { ...fill, value: 2 })).toBe('stored');
    expect(await played.holder.commit(played.lease, fill)).toBe('lost');
    expect((await played.other.read('key'))?.value).toBe(2);
  });
});
