import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { clusterConnection } from '../redis/cluster-connection.js';
import { QUICK_TTL, readWhile, startTwoApps, untilConsistent } from './outage-apps.js';

const connection = clusterConnection();

it('two applications on a Cluster share entries and refreshes', async () => {
  const keys = ['a', 'b', 'c', 'd'];
  const { origin, apps } = await startTwoApps({ connection: connection() });
  const load = await readWhile(apps, keys, () => sleep(2_000));
  const stored = apps.flatMap(({ events }) => events.filter(({ type }) => type === 'refresh-requested'));
  console.log(
    `on a Cluster: ${String(load.reads)} reads, longest ${load.longest.toFixed(0)} ms, fetches of a stale key ${String(origin.mostOf('quick'))} in 2 s`,
  );
  expect(load.failures).toEqual([]);
  expect(stored.length).toBeGreaterThan(0);
  expect(origin.mostOf('quick')).toBeLessThan(1.5 * (2_000 / QUICK_TTL) + 2);
  expect(origin.mostOf('quick')).toBeGreaterThan(1);
  expect(origin.mostOf('steady')).toBe(1);
  expect(await untilConsistent(origin, apps, keys, 5_000)).toBeLessThan(2_000);
  const failures = apps.flatMap(({ events }) => events.filter(({ type }) => type.endsWith('-failed')));
  expect(failures).toEqual([]);
});
