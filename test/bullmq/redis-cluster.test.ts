import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeRefreshQueue } from '../../lib/testing/refresh-queue-contract.js';
import { clusterConnection } from '../redis/cluster-connection.js';
import { requestOf, startRefreshApp, uniquePrefix } from './refresh-app.js';

const connection = clusterConnection();

describeRefreshQueue(
  'BullMQRefreshQueue on a Cluster',
  {
    create: async ({ concurrency }) => {
      const { app, queue } = await startRefreshApp({ connection: connection(), worker: { concurrency } });
      return { queue, close: () => app.close() };
    },
  },
  { afterEach, beforeEach, describe, expect, it },
);

describe('BullMQRefreshQueue on a Cluster', () => {
  it('keeps all keys of a queue on one server, and those of several queues on several', async () => {
    const nodes = connection().nodes('master');
    const homes = new Set<number>();
    for (let n = 0; n < 12; n++) {
      const prefix = uniquePrefix();
      const { app, queue } = await startRefreshApp({ connection: connection(), prefix, worker: false });
      await queue.request([requestOf('a'), requestOf('b')]);
      const found = await Promise.all(nodes.map(async (node) => (await node.keys(`*${prefix}*`)).length));
      const home = found.findIndex((count) => count > 0);
      expect(found.filter((count) => count > 0)).toHaveLength(1);
      homes.add(home);
      await app.close();
    }
    expect(homes.size).toBeGreaterThan(1);
  });

  it('takes the braces of a prefix that has some', async () => {
    const prefix = `mine-{${uniquePrefix()}}`;
    const { app, queue, bull } = await startRefreshApp({ connection: connection(), prefix, worker: false });
    await queue.request([requestOf('a')]);
    expect(bull.opts.prefix).toBe(prefix);
    expect(await bull.getWaitingCount()).toBe(1);
    await app.close();
  });

  it('leaves the connection open that it was given', async () => {
    const { app } = await startRefreshApp({ connection: connection() });
    await app.close();
    expect(await connection().ping()).toBe('PONG');
  });
});
