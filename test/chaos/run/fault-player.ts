import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../support/redis-server.js';
import type { LoggedFault } from '../checker/chaos-log.js';
import type { CacheProcess } from '../cluster/cache-process.js';
import type { Cluster } from '../cluster/cluster.js';
import type { PlannedFault } from './fault-plan.js';

/** Plays planned faults on a cluster, and records what really happened and when. */
export class FaultPlayer {
  readonly log: LoggedFault[] = [];
  /** What has a fault now: each gets one at a time. */
  readonly #busy = new Set<unknown>();

  constructor(private readonly cluster: Cluster) {}

  /** Resolves when the last fault is over. */
  async play(faults: readonly PlannedFault[]): Promise<void> {
    const start = performance.now();
    await Promise.all(
      faults.map(async (fault) => {
        await sleep(start + fault.at - performance.now());
        await this.#play(fault);
      }),
    );
  }

  async #play({ kind, ms, target }: PlannedFault): Promise<void> {
    const { cluster } = this;
    const { workers, webs, redis, queueRedis } = cluster;
    switch (kind) {
      case 'kill worker':
        return this.#kill(pick(workers, target), ms);
      case 'kill web':
        return this.#kill(pick(webs, target), ms);
      case 'freeze worker':
        return this.#freeze(pick(workers, target), ms);
      case 'freeze web':
        return this.#freeze(pick(webs, target), ms);
      case 'kill all workers':
        return this.#killAll([...workers], ms);
      case 'kill store':
        return this.#killRedis('store down', redis, ms);
      case 'freeze store':
        return this.#freezeRedis('store down', redis, ms);
      case 'kill queue':
        return this.#killRedis('queue down', queueRedis, ms);
      case 'freeze queue':
        return this.#freezeRedis('queue down', queueRedis, ms);
      case 'fail origin':
        return this.#alone(cluster.origin, 'origin down', undefined, async () => {
          cluster.origin.failing = () => true;
          await sleep(ms);
          cluster.origin.failing = () => false;
        });
    }
  }

  async #kill(process: CacheProcess | undefined, ms: number): Promise<void> {
    if (process === undefined) return;
    await this.#alone(process, 'killed', process.name, () => this.cluster.kill(process));
    await sleep(ms);
    await this.cluster.add(process.role);
  }

  async #killAll(workers: readonly CacheProcess[], ms: number): Promise<void> {
    await this.#alone('all workers', 'no workers', undefined, async () => {
      await Promise.all(
        workers.map((worker) => this.#alone(worker, 'killed', worker.name, () => this.cluster.kill(worker))),
      );
      await sleep(ms);
      await Promise.all(workers.map(() => this.cluster.add('worker')));
    });
  }

  async #freeze(process: CacheProcess | undefined, ms: number): Promise<void> {
    if (process === undefined || process.frozen) return;
    await this.#alone(process, 'frozen', process.name, async () => {
      process.freeze();
      await sleep(ms);
      process.thaw();
    });
  }

  async #killRedis(kind: LoggedFault['kind'], redis: RedisServer, ms: number): Promise<void> {
    await this.#alone(redis, kind, undefined, async () => {
      await redis.kill();
      await sleep(ms);
      await redis.restart();
    });
  }

  async #freezeRedis(kind: LoggedFault['kind'], redis: RedisServer, ms: number): Promise<void> {
    await this.#alone(redis, kind, undefined, async () => {
      redis.freeze();
      await sleep(ms);
      redis.thaw();
    });
  }

  async #alone(
    target: unknown,
    kind: LoggedFault['kind'],
    process: string | undefined,
    act: () => Promise<void>,
  ): Promise<void> {
    if (this.#busy.has(target)) return;
    this.#busy.add(target);
    const fault = { kind, process, start: performance.now(), end: Infinity };
    this.log.push(fault);
    try {
      await act();
    } finally {
      fault.end = performance.now();
      this.#busy.delete(target);
    }
  }
}

function pick(processes: readonly CacheProcess[], target: number): CacheProcess | undefined {
  return processes[Math.floor(target * processes.length)];
}
