import { setTimeout as sleep } from 'node:timers/promises';
import { Keyv } from 'keyv';
import type { AsyncCacheOptions } from 'nestjs-async-cache';
import { expect, inject, it } from 'vitest';
import { readWhile, startTwoApps } from './outage-apps.js';

it.each<[string, () => Partial<AsyncCacheOptions>]>([
  ['of this package', () => ({ store: { max: 100 } })],
  ['of Keyv', () => ({ stores: [new Keyv()] })],
])(
  'entries in the memory of each process are refreshed there, whoever takes requests from the queue: %s',
  async (_, home) => {
    const { hostname: host, port } = new URL(inject('redisUrl'));
    const { apps } = await startTwoApps(() => ({ connection: { host, port: Number(port) }, ...home() }));
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    let oldest = 0;
    const { failures } = await readWhile(apps, keys, async () => {
      await sleep(1_500);
      for (const { jobs } of apps) for (const key of keys) oldest = Math.max(oldest, (await jobs.quick.read(key)).age);
    });
    expect(failures).toEqual([]);
    expect(oldest).toBeLessThan(1);
  },
);
