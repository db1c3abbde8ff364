import { Cluster, Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

import { type RedisServer, startRedis } from '../support/redis-server.js';

const SLOTS = 16_384;

export interface RedisCluster {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  connect(): Cluster;
  stop(): Promise<void>;
}

/** Three masters without replicas. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const servers: RedisServer[] = [];
  for (let n = 0; n < 3; n++) servers.push(await startNode());
  const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  const clients = nodes.map(({ port }) => new Redis(port));
  try {
    for (const [index, client] of clients.entries()) {
      const share = SLOTS / clients.length;
      await client.call('CLUSTER', 'ADDSLOTSRANGE', Math.ceil(index * share), Math.ceil((index + 1) * share) - 1);
      await client.call('CLUSTER', 'MEET', '127.0.0.1', nodes[0]?.port ?? 0, await busOf(clients[0] as Redis));
    }
    for (const client of clients) while (!(await isComplete(client))) await sleep(20);
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    nodes,
    connect: () => new Cluster(nodes, { lazyConnect: true }),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

/** The cluster bus has a port of its own. The default one may exceed the range of ports. */
async function startNode(): Promise<RedisServer> {
  const bus = 20_000 + Math.floor(Math.random() * 10_000);
  return startRedis({
    args: ['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '2000'],
  });
}

async function busOf(client: Redis): Promise<string> {
  const [, port] = (await client.config('GET', 'cluster-port')) as string[];
  return port ?? '';
}

async function isComplete(client: Redis): Promise<boolean> {
  const info = await client.cluster('INFO');
  const nodes = String(await client.cluster('NODES'))
    .trim()
    .split('\n');
  return info.includes('cluster_state:ok') && nodes.length === 3 && nodes.every((node) => node.includes('connected'));
}
