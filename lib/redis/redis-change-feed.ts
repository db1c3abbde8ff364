import type { Cluster, Redis } from 'ioredis';
import type { ChangeFeed, ChangeListener, Clock } from '../core/ports.js';
import type { KeyNames } from './key-names.js';
import { NodeChangeFeed } from './node-change-feed.js';

export interface RedisChangeFeedOptions {
  /** The store's own client: what it writes itself is not told. */
  readonly client: Redis | Cluster;
  readonly names: KeyNames;
  readonly clock: Clock;
}

/** How often the masters of a Cluster are looked up, beside what the client itself tells of them. */
const TOPOLOGY_INTERVAL = 1_000;

/**
 * Redis's server-assisted client-side caching in broadcast mode: the write itself is the message, so a change costs no
 * command, and every process is told of it by the server.
 */
export class RedisChangeFeed implements ChangeFeed {
  readonly #nodes = new Map<Redis, NodeChangeFeed>();
  #listener: ChangeListener | undefined;
  #live = false;
  #closed = false;
  #cancel: () => void = () => undefined;

  constructor(private readonly options: RedisChangeFeedOptions) {}

  get live(): boolean {
    return this.#live;
  }

  subscribe(listener: ChangeListener): void {
    this.#listener = listener;
    const { client } = this.options;
    if (!('nodes' in client)) {
      this.#follow(client);
      return;
    }
    const look = (): void => {
      if (this.#closed) return;
      this.#followMasters(client);
      this.#cancel = this.options.clock.schedule(TOPOLOGY_INTERVAL, look);
    };
    look();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    for (const node of this.#nodes.values()) node.close();
  }

  /** A key may live on any master, so one that is not followed makes the whole feed untrustworthy. */
  #followMasters(cluster: Cluster): void {
    const masters = new Set(cluster.nodes('master'));
    for (const [client, node] of this.#nodes) {
      if (masters.has(client)) continue;
      this.#nodes.delete(client);
      node.close();
    }
    for (const client of masters) if (!this.#nodes.has(client)) this.#follow(client);
    this.#update();
  }

  #follow(client: Redis): void {
    const { names, clock } = this.options;
    const node = new NodeChangeFeed(client, names.entryPrefix, clock, {
      onChange: (changed) => {
        this.#changed(changed);
      },
      onState: () => {
        this.#update();
      },
    });
    this.#nodes.set(client, node);
  }

  #changed(changed: readonly string[] | undefined): void {
    // The server says "everything": it was flushed.
    if (changed === undefined) this.#listener?.restored();
    else this.#listener?.changed(changed.map((name) => this.options.names.keyOf(name)));
  }

  #update(): void {
    const live = this.#nodes.size > 0 && [...this.#nodes.values()].every((node) => node.live);
    if (live === this.#live) return;
    // What was copied before must be gone before anybody can trust it again.
    if (live) this.#listener?.restored();
    this.#live = live;
    if (!live) this.#listener?.lost();
  }
}
