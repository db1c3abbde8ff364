import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const SERVER = fileURLToPath(new URL('../harness/http-server.mjs', import.meta.url));

export default {
  order: 17,
  title: 'HTTP requests of a Nest application, 1 KiB of JSON, in memory',
  about:
    'Requests a second by 20 connections (autocannon), the computing of the server for one request, and the p99 of an open loop of 300 requests a second, counted from when a request was due. The server has a process of its own.',
  tiers: ['memory'],
  subjects: ['http-uncached', 'http-cached-controller', 'http-cached-service', 'http-cache-interceptor'],
  quickly: [{ platform: 'Fastify' }],
  variants: [{ platform: 'Express' }, { platform: 'Fastify' }],
  limit: 'http-uncached',
  columns: [
    { key: 'us', title: 'µs of computing', digits: 0, ratio: true },
    { key: 'perSecond', title: 'requests a second', ratio: true },
    { key: 'p99', title: 'p99, ms', digits: 1 },
  ],
  async measure({ quick, variant, file }) {
    const server = fork(SERVER, [file, variant.platform], { execArgv: ['--no-warnings'], stdio: 'ignore' });
    try {
      const [{ port }] = await once(server, 'message');
      const url = `http://127.0.0.1:${port}/documents`;
      const load = (options) => autocannon({ url, connections: 20, ...options });
      const cpu = async () => {
        server.send('cpu');
        const [{ cpu: usage }] = await once(server, 'message');
        return usage.user + usage.system;
      };
      await load({ duration: 1 });
      const before = await cpu();
      const closed = await load({ duration: quick ? 1 : 3 });
      const us = ((await cpu()) - before) / closed.requests.total;
      const open = quick ? undefined : await load({ duration: 3, overallRate: 300 });
      if (closed.non2xx + closed.errors > 0) throw new Error(`${closed.non2xx + closed.errors} requests failed`);
      return { us, perSecond: closed.requests.total / closed.duration, p99: open?.latency.p99 };
    } finally {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    }
  },
};
