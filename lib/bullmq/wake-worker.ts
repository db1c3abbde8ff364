import type { Worker } from 'bullmq';
import { backendOf } from './backend-of.js';
import { runScript } from './run-script.js';

/** BullMQ's base marker. A worker that it wakes for nothing waits again. */
const WAKE = { name: 'asyncCache:wake', keys: 1, lua: "return redis.call('ZADD', KEYS[1], 0, '0')" };

/**
 * Wakes the idle worker of this queue that has waited longest. BullMQ has no call for it, so this knows the name of the key
 * that idle workers wait for.
 */
export async function wakeWorker(worker: Worker): Promise<void> {
  await runScript(await backendOf(worker).client, WAKE, [worker.toKey('marker')]);
}
