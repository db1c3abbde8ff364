import type { Cluster, Redis } from 'ioredis';
import type { ChangeFeed, ChangeListener, Clock } from '../core/ports.js';
import type { KeyNames } from './key-names.js';
import { NodeChangeFeed } from './node-change-feed.js';

export interface RedisChangeFeedOptions {
  /** The store's own client. */
  readonly client: Redis | Cluster;
  readonly names: KeyNames;
  readonly clock: Clock;
  /** Told, once until it is live again, of a server that can be reached and does not tell of changes. */
  readonly onRefusal?: ((error: unknown) => void) | undefined;
}

/** How often the masters of a Cluster are looked up, beside what the client itself tells of them. */
const TOPOLOGY_INTERVAL = 1_000;
const TOPOLOGY_EVENTS = ['ready', '+node', '-node'] as const;

/**
 * Redis's server-assisted client-side caching in broadcast mode: the write itself is the message, so a change costs no
 * command, and every process is told of it by the server.
 */
export class RedisChangeFeed implements ChangeFeed {
  readonly #nodes = new Map<Redis, NodeChangeFeed>();
  #listener: ChangeListener | undefined;
  #live = false;
  #refused = false;
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
    for (const event of TOPOLOGY_EVENTS) client.on(event, this.#look);
    const lookAgain = (): void => {
      this.#look();
      this.#cancel = this.options.clock.schedule(TOPOLOGY_INTERVAL, lookAgain);
    };
    lookAgain();
  }

  close(): void {
    this.#cancel();
    const { client } = this.options;
    for (const event of TOPOLOGY_EVENTS) client.off(event, this.#look);
    for (const node of this.#nodes.values()) node.close();
  }

  /** A key may live on any master of a Cluster, so one that is not followed makes the whole feed untrustworthy. */
  readonly #look = (): void => {
    const { client } = this.options;
    // It is still finding out which servers there are.
    if (client.status !== 'ready') return;
    const masters = new Set('nodes' in client ? client.nodes('master') : [client]);
    for (const [former, node] of this.#nodes) {
      if (masters.has(former)) continue;
      // In this order: what it held is another server's now, and the copies of that are not trusted.
      node.close();
      this.#nodes.delete(former);
    }
    for (const master of masters) if (!this.#nodes.has(master)) this.#follow(master);
    this.#update();
  };

  #follow(client: Redis): void {
    const { names, clock } = this.options;
    const node = new NodeChangeFeed(client, names.entryPrefix, clock, {
      onChange: (changed) => {
        this.#changed(changed);
      },
      onState: () => {
        this.#update();
      },
      onRefusal: (error) => {
        if (!this.#refused) this.options.onRefusal?.(error);
        this.#refused = true;
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
    if (live) {
      this.#refused = false;
      // What was copied before must be gone before anybody can trust it again.
      this.#listener?.restored();
    }
    this.#live = live;
    if (!live) this.#listener?.lost();
  }
}
