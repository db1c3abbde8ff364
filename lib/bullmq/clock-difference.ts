import type { IRedisClient } from 'bullmq';

const COMMAND = 'asyncCache:time';

/** How far this host's clock is from the server's, in milliseconds: behind or ahead. Some of it is the way of the answer. */
export async function clockDifference(client: IRedisClient): Promise<number> {
  client.defineCommand(COMMAND, { numberOfKeys: 0, lua: "return redis.call('TIME')" });
  const [seconds, microseconds] = (await client.runCommand(COMMAND, [])) as [string, string];
  return Math.abs(Date.now() - Number(seconds) * 1_000 - Number(microseconds) / 1_000);
}
