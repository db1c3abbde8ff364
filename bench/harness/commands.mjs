import { Redis } from 'ioredis';

/**
 * Counts what a Redis is asked: commands by `INFO commandstats`, and round trips by `MONITOR`, which tells scripts apart and
 * slows the Redis that it watches.
 */
export async function watchCommands(url, { monitors = true } = {}) {
  const client = new Redis(url);
  const monitor = monitors ? await client.duplicate().monitor() : undefined;
  let sent = 0;
  const names = new Map();
  monitor?.on('monitor', (_, [name], source) => {
    const command = name.toLowerCase();
    if (source === 'lua' || ['info', 'config', 'client'].includes(command)) return;
    sent++;
    names.set(command, (names.get(command) ?? 0) + 1);
  });
  const calls = async () => {
    const info = await client.info('commandstats');
    let sum = 0;
    for (const [, name, count] of info.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
      if (!/^(info|config|client|monitor)/.test(name)) sum += Number(count);
    }
    return sum;
  };
  return {
    client,
    async start() {
      await new Promise((resolve) => setTimeout(resolve, 50));
      sent = 0;
      names.clear();
      this.before = await calls();
    },
    async stop() {
      const commands = (await calls()) - this.before;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { commands, roundTrips: sent, names: Object.fromEntries(names) };
    },
    close() {
      monitor?.disconnect();
      client.disconnect();
    },
  };
}
