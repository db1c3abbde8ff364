import type { IRedisClient } from 'bullmq';
import { runScript } from './run-script.js';

const TIME = { name: 'asyncCache:time', keys: 0, lua: "return redis.call('TIME')" };
/** Milliseconds. A host's clock counts as wrong when it differs from the server's by more than this. */
const CLOCK_TOLERANCE = 500;

/**
 * Whether this host's clock agrees with the server's. Network latency counts as difference; it is far below the tolerance
 * on any connection on which refreshes can work.
 */
export async function isHostClockRight(client: IRedisClient): Promise<boolean> {
  const [seconds, microseconds] = (await runScript(client, TIME, [])) as [string, string];
  return Math.abs(Date.now() - Number(seconds) * 1_000 - Number(microseconds) / 1_000) < CLOCK_TOLERANCE;
}
