import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** The limit of a refresh: BullMQ's own job, deduplicated as ours are, in a worker that does nothing. */
export default {
  name: 'bare BullMQ job',
  tiers: ['redis'],
  cannot: { stale: 'BullMQ stores no values', cold: 'BullMQ stores no values', delete: 'BullMQ stores no values' },
  async open({ url, prefix, done, concurrency = 10 }) {
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    const name = 'bench';
    const options = { connection, prefix: prefix.replace(/:$/, '') };
    const queue = new Queue(name, options);
    const worker = new Worker(name, async ({ data }) => done?.(data.key), { ...options, concurrency });
    await worker.waitUntilReady();
    return {
      refresh: (key) =>
        queue.add('refresh', { key }, { deduplication: { id: key }, removeOnComplete: true, removeOnFail: true }),
      async close() {
        await worker.close(true);
        await queue.close();
        connection.disconnect();
      },
    };
  },
};
