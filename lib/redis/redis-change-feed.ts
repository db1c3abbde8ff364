import type { Cluster, Redis } from 'ioredis';
import type { ChangeFeed, ChangeListener, Clock } from '../core/ports.js';
import type { KeyNames } from './key-names.js';
import { ServerChangeFeed } from './server-change-feed.js';
import { StandstillWatch } from './standstill-watch.js';

export interface RedisChangeFeedOptions {
  /** The client of the store. */
  readonly client: Redis | Cluster;
  readonly names: KeyNames;
  readonly clock: Clock;
  /** Called when a server can be reached and does not report changes; once until the feed is live again. */
  readonly onRefusal?: ((error: unknown) => void) | undefined;
}

/**
 * Milliseconds between two looks at the masters of a Cluster. The client's own events are used as well, but may come
 * late.
 */
const TOPOLOGY_INTERVAL = 1_000;
const TOPOLOGY_EVENTS = ['ready', '+node', '-node'] as const;

/**
 * Redis's server-assisted client-side caching in broadcast mode. The server reports each write of an entry to every
 * process, so a change costs no command of its own.
 */
export class RedisChangeFeed implements ChangeFeed {
  readonly #nodes = new Map<Redis, ServerChangeFeed>();
  #listener: ChangeListener | undefined;
  #live = false;
  #refused = false;
  #cancel: () => void = () => undefined;
  readonly #standstill = new StandstillWatch(async () => {
    await Promise.all([...this.#nodes.values()].map((node) => node.readAll()));
  });

  constructor(private readonly options: RedisChangeFeedOptions) {}

  get live(): boolean {
    return this.#live && this.#standstill.isCurrent;
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
    this.#standstill.close();
    const { client } = this.options;
    for (const event of TOPOLOGY_EVENTS) client.off(event, this.#look);
    for (const node of this.#nodes.values()) node.close();
  }

  /** A key may live on any master of a Cluster, so the feed is not live while one of them is not followed. */
  readonly #look = (): void => {
    const { client } = this.options;
    // The client of a Cluster is still discovering its servers.
    if (client.status !== 'ready') return;
    const masters = new Set('nodes' in client ? client.nodes('master') : [client]);
    for (const [former, node] of this.#nodes) {
      if (masters.has(former)) continue;
      // In this order: the keys of that server belong to another one now, so their copies are not trusted until it is
      // followed.
      node.close();
      this.#nodes.delete(former);
    }
    for (const master of masters) if (!this.#nodes.has(master)) this.#follow(master);
    this.#update();
  };

  #follow(client: Redis): void {
    const { names, clock } = this.options;
    const node = new ServerChangeFeed(client, names.entryPrefix, clock, {
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
    // The server was flushed and reports that everything changed.
    if (changed === undefined) this.#listener?.restored();
    else this.#listener?.changed(changed.map((name) => this.options.names.keyOf(name)));
  }

  #update(): void {
    const live = this.#nodes.size > 0 && [...this.#nodes.values()].every((node) => node.live);
    if (live === this.#live) return;
    if (live) {
      this.#refused = false;
      // Older copies must be dropped before the feed counts as live again.
      this.#listener?.restored();
    }
    this.#live = live;
    if (!live) this.#listener?.lost();
  }
}
