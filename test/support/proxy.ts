import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** Milliseconds by which each piece of an answer is delayed. */
  delay: number;
  /** Where new connections go. */
  target: number;
  /** From now on nothing passes through the open connections, and neither end is notified. */
  silence(): void;
  /** Closes the open connections with these indices, in the order in which they were made. */
  cut(...indices: readonly number[]): void;
  stop(): Promise<void>;
}

/** A server between a client and a server. */
export async function startProxy(target: number): Promise<Proxy> {
  const pairs: { inner: Socket; outer: Socket; silent: boolean }[] = [];
  const server = createServer((inner) => {
    const outer = connect(proxy.target, '127.0.0.1');
    const pair = { inner, outer, silent: false };
    pairs.push(pair);
    const pass = (from: Socket, to: Socket, delay: () => number): void => {
      const waiting: Buffer[] = [];
      const write = (): void => {
        const bytes = waiting.shift();
        if (bytes !== undefined && !pair.silent && !to.destroyed) to.write(bytes);
      };
      from.on('data', (bytes) => {
        waiting.push(bytes);
        // Timers may fire in any order, so each writes the oldest piece.
        if (delay() === 0 && waiting.length === 1) write();
        else setTimeout(write, delay());
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        if (!pair.silent) to.destroy();
      });
    };
    pass(inner, outer, () => 0);
    pass(outer, inner, () => proxy.delay);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const destroy = ({ inner, outer }: { inner: Socket; outer: Socket }): void => {
    inner.destroy();
    outer.destroy();
  };
  const proxy: Proxy = {
    port: (server.address() as AddressInfo).port,
    delay: 0,
    target,
    silence: () => {
      for (const pair of pairs) pair.silent = true;
    },
    cut: (...indices) => {
      const open = pairs.filter(({ inner }) => !inner.destroyed);
      for (const index of indices) if (open[index]) destroy(open[index]);
    },
    stop: async () => {
      pairs.forEach(destroy);
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
