import type { IRedisClient } from 'bullmq';

const COMMAND = 'asyncCache:time';
/** Milliseconds. A host's clock counts as wrong when it differs from the server's by more than this. */
const CLOCK_TOLERANCE = 500;

/**
 * Whether this host's clock agrees with the server's. Network latency counts as difference; it is far below the tolerance
 * on any connection on which refreshes can work.
 */
export async function isHostClockRight(client: IRedisClient): Promise<boolean> {
  client.defineCommand(COMMAND, { numberOfKeys: 0, lua: "return redis.call('TIME')" });
  const [seconds, microseconds] = await time(client);
  return Math.abs(Date.now() - Number(seconds) * 1_000 - Number(microseconds) / 1_000) < CLOCK_TOLERANCE;
}

/** Before 5.77, bullmq gives ioredis's own client, on which a defined command is a method. */
function time(client: IRedisClient): Promise<[string, string]> {
  if ('runCommand' in client) return client.runCommand(COMMAND, []) as Promise<[string, string]>;
  return (client as { readonly [COMMAND]: () => Promise<[string, string]> })[COMMAND]();
}
