import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { createKeyv } from '@keyv/redis';
import { afterEach, describe, expect, inject, it } from 'vitest';

import type { CacheManagerStore } from '../../lib/cache-manager/index.js';
import { LONG, type StoreUser } from '../../lib/testing/store-user.js';
import { storeOver } from './store-over.js';

const ROUNDS = 300;

/**
 * Some processes fetch while others change and invalidate, over one Redis. After an invalidation has been acknowledged,
 * no process may find an older value fresh.
 */
describe('no process brings back an old value', () => {
  const stores: CacheManagerStore[] = [];
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
  });

  function processes(count: number, sabotage?: RegExp): StoreUser[] {
    const prefix = `test:${randomUUID()}`;
    return Array.from({ length: count }, () => {
      const keyv = createKeyv(inject('redisUrl'));
      const getMany = keyv.getMany.bind(keyv);
      if (sabotage !== undefined) {
        keyv.getMany = (async (names: string[], options: never) =>
          (await getMany(names, options)).map((row, n) =>
            sabotage.test(names[n] ?? '') ? undefined : row,
          )) as typeof keyv.getMany;
      }
      const { store, user } = storeOver({ prefix, stores: keyv });
      stores.push(store);
      return user;
    });
  }

  async function oldValuesSeen(
    users: readonly StoreUser[],
  ): Promise<{ seen: number; stored: number; refused: number }> {
    let version = 0;
    let over = false;
    const counts = { seen: 0, stored: 0, refused: 0 };
    const fetching = users.map(async (user, n) => {
      while (!over) {
        const acquired = await user.acquire('key', { respectBackoff: false });
        if (acquired.kind !== 'granted') continue;
        const value = version;
        await sleep(n % 2);
        const tags = n % 2 === 0 ? ['tag', `only ${n}`] : ['tag'];
        const result = await user.commit(acquired.lease, value, { ttl: LONG, tags });
        counts[result === 'stored' ? 'stored' : 'refused'] += 1;
      }
    });
    const changes: ((user: StoreUser) => unknown)[] = [
      (user) => user.store.delete('key'),
      (user) => user.store.invalidate('key'),
      (user) => user.store.invalidateTags(['tag', 'other']),
      (user) => user.store.deleteTags(['tag']),
      (user) => user.store.clear(),
      (user) => user.set('key', version, { tags: ['tag'] }),
    ];
    for (let round = 0; round < ROUNDS; round++) {
      version += 1;
      await changes[round % changes.length]?.(users[round % users.length] as StoreUser);
      for (const user of users) {
        const entry = await user.store.read('key');
        const fresh = entry !== undefined && entry.kind === 'value' && entry.freshUntil >= user.store.now();
        if (fresh && Number(entry.value) < version) counts.seen += 1;
      }
      if (round % 3 === 0) await sleep(1);
    }
    over = true;
    await Promise.all(fetching);
    return counts;
  }

  it(`in ${ROUNDS} rounds of 4 processes`, async () => {
    const { seen, stored, refused } = await oldValuesSeen(processes(4));
    console.log(`${ROUNDS} invalidations, ${stored} fetches stored, ${refused} refused, ${seen} old values seen`);
    expect(seen).toBe(0);
    expect(stored).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  });

  it.each([
    ['of keys', /:k:/],
    ['of tags', /:t:/],
    ['of clear', /:cleared$/],
  ])('(control) but does where stamps %s are lost', async (_, stamps) => {
    const { seen } = await oldValuesSeen(processes(4, stamps));
    expect(seen).toBeGreaterThan(0);
  });
});
