import type { IRedisClient } from 'bullmq';

/** A Lua script, and the name under which the client keeps it. */
export interface Script {
  readonly name: string;
  readonly keys: number;
  readonly lua: string;
}

/**
 * Runs a script with its keys and arguments. Before 5.77, bullmq gives ioredis's own client, on which a defined command is
 * a method.
 */
export function runScript(
  client: IRedisClient,
  { name, keys, lua }: Script,
  args: readonly (string | number)[],
): Promise<unknown> {
  client.defineCommand(name, { numberOfKeys: keys, lua });
  if ('runCommand' in client) return client.runCommand(name, [...args]);
  return (client as Record<string, (...args: readonly unknown[]) => Promise<unknown>>)[name]?.(
    ...args,
  ) as Promise<unknown>;
}
