import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../core/ports.js';

const CHANNEL = '__redis__:invalidate';
/** How often it is made sure that the server would tell: a connection may be dead without a word. */
const HEARTBEAT_INTERVAL = 500;
const HEARTBEAT_TIMEOUT = 500;
/** Not the client's own: one of a Cluster's would not come back at all. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

export interface NodeChanges {
  /** Names of changed keys; undefined: all of them. */
  onChange(names: readonly string[] | undefined): void;
  /** `live` has changed. */
  onState(): void;
}

/**
 * The changes on one server. The store's own connection asks for them; they arrive on a second one, since RESP2 has no
 * room for them on the first. Either being lost ends the trust.
 */
export class NodeChangeFeed {
  readonly #subscriber: Redis;
  readonly #name = `async-cache-feed-${randomBytes(9).toString('base64url')}`;
  #subscriberId: Promise<number> | undefined;
  #live = false;
  #closed = false;
  #arming = false;
  /** How often one of the two connections was lost. */
  #losses = 0;
  #cancelHeartbeat: () => void = () => undefined;

  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
    private readonly clock: Clock,
    private readonly changes: NodeChanges,
  ) {
    this.#subscriber = client.duplicate({
      connectionName: this.#name,
      enableOfflineQueue: false,
      autoResubscribe: false,
      lazyConnect: false,
      retryStrategy,
    });
    // Every failure shows in `live`; the connection's own are told by the store.
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('ready', this.#subscribe);
    this.#subscriber.on('messageBuffer', (_channel: Buffer, names: readonly Buffer[] | null) => {
      changes.onChange(names?.map(String));
    });
    client.on('ready', this.#arm);
    for (const connection of [client, this.#subscriber]) connection.on('close', this.#lose);
    if (client.status === 'wait') client.connect().catch(() => undefined);
    this.#arm();
    this.#beat();
  }

  get live(): boolean {
    return this.#live;
  }

  close(): void {
    this.#closed = true;
    this.#cancelHeartbeat();
    this.client.off('ready', this.#arm);
    this.client.off('close', this.#lose);
    this.#lose();
    this.#subscriber.disconnect();
  }

  readonly #arm = (): void => {
    if (this.#closed || this.#arming || this.#live) return;
    const ready = this.client.status === 'ready' && this.#subscriber.status === 'ready';
    if (!ready || this.#subscriberId === undefined) return;
    this.#arming = true;
    const losses = this.#losses;
    this.#askServer()
      .then(() => {
        if (losses === this.#losses) this.#become(true);
      })
      .catch(() => undefined)
      .finally(() => {
        this.#arming = false;
      });
  };

  readonly #lose = (): void => {
    this.#losses += 1;
    this.#become(false);
  };

  #become(live: boolean): void {
    if (this.#live === live || (live && this.#closed)) return;
    this.#live = live;
    this.changes.onState();
  }

  /** A connection that is subscribed cannot be asked for its id any more. */
  readonly #subscribe = (): void => {
    this.#subscriberId = this.#subscriber.client('ID').then(async (id) => {
      await this.#subscriber.subscribe(CHANNEL);
      return id;
    });
    this.#subscriberId.then(this.#arm, () => undefined);
  };

  async #askServer(): Promise<void> {
    const id = await this.#subscriberId;
    if (!(await this.#isSameServer(id))) {
      this.#subscriber.disconnect(true);
      throw new Error('The two connections are to different servers');
    }
    // Off first: a redirection to a connection that is gone cannot be replaced otherwise.
    await this.#inTime(this.client.call('CLIENT', 'TRACKING', 'OFF'));
    const broadcast = ['REDIRECT', String(id), 'BCAST', 'PREFIX', this.prefix];
    await this.#inTime(this.client.call('CLIENT', 'TRACKING', 'ON', ...broadcast));
  }

  /**
   * After a failover the two may be connected to different servers for as long as both live. The id would then be
   * unknown, or a stranger's: ids are small numbers on every server.
   */
  async #isSameServer(id: number | undefined): Promise<boolean> {
    try {
      const list = await this.#inTime(this.client.call('CLIENT', 'LIST', 'ID', String(id)));
      return String(list).includes(` name=${this.#name} `);
    } catch (error) {
      // Not everybody is allowed to ask.
      if (error instanceof Error && error.message.startsWith('NOPERM')) return true;
      throw error;
    }
  }

  #beat(): void {
    this.#cancelHeartbeat = this.clock.schedule(HEARTBEAT_INTERVAL, () => {
      if (this.#closed) return;
      if (!this.#live) this.#arm();
      const checked = this.#live ? this.#check() : Promise.resolve();
      void checked.catch(this.#lose).finally(() => {
        this.#beat();
      });
    });
  }

  /** The server still tracks, for the connection that is still there. */
  async #check(): Promise<void> {
    const [info] = await Promise.all([
      this.#inTime(this.client.call('CLIENT', 'TRACKINGINFO')),
      this.#inTime(this.#subscriber.ping()),
    ]);
    const [, flags] = info as [string, string[]];
    if (!flags.includes('bcast') || flags.includes('broken_redirect')) {
      throw new Error('The server does not tell of changes any more');
    }
  }

  /** Rejects late answers. A busy event loop is no dead server: an answer that waits in the socket is read first. */
  #inTime<Result>(answer: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.schedule(HEARTBEAT_TIMEOUT, () => {
        this.clock.defer(() => {
          this.clock.defer(() => {
            reject(new Error('The server does not answer'));
          });
        });
      });
      answer.then(resolve, reject).finally(cancel);
    });
  }
}
