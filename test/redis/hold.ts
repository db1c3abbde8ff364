import type { Cluster, Redis } from 'ioredis';

import type { ScriptName } from '../../lib/redis/scripts.js';

type Command = (...args: unknown[]) => Promise<unknown>;

/**
 * Stops the next run of a script before it is sent, as if the process stood still at that point. `reached` resolves
 * when it would have been sent; `release` sends it.
 */
export function hold(client: Redis | Cluster, script: ScriptName): { reached: Promise<void>; release: () => void } {
  const commands = client as unknown as Record<string, Command>;
  const name = `asyncCache:${script}Buffer`;
  const original = commands[name] as Command;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const reached = new Promise<void>((resolve) => {
    commands[name] = async (...args) => {
      commands[name] = original;
      resolve();
      await released;
      return Reflect.apply(original, client, args);
    };
  });
  return { reached, release };
}
