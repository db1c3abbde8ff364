import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../core/ports.js';

const CHANNEL = '__redis__:invalidate';
/** How often it is made sure that the server would tell: a connection may be dead without a word. */
const HEARTBEAT_INTERVAL = 500;
const HEARTBEAT_TIMEOUT = 500;
/** Not the client's own: one of a Cluster's would not come back at all. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

/** After so many heartbeats without an answer the store's own connection is made anew: TCP would try for minutes. */
const MOST_SILENCE = 5;

class SilentError extends Error {}

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
  #silence = 0;
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
    // One of a Cluster's is connected when it is first needed.
    if (client.status === 'wait') client.ping().catch(() => undefined);
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
    const id = await this.#ofSubscriber(this.#subscriberId ?? Promise.reject(new Error('Not subscribed')));
    if (!(await this.#isSameServer(id))) {
      this.#subscriber.disconnect(true);
      throw new Error('The two connections are to different servers');
    }
    // Off first: a redirection to a connection that is gone cannot be replaced otherwise.
    await this.#ofClient('TRACKING', 'OFF');
    await this.#ofClient('TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', this.prefix);
    await this.#ofSubscriber(this.#subscriber.ping());
  }

  /**
   * After a failover the two may be connected to different servers for as long as both live. The id would then be
   * unknown, or a stranger's: ids are small numbers on every server.
   */
  async #isSameServer(id: number): Promise<boolean> {
    try {
      return String(await this.#ofClient('LIST', 'ID', String(id))).includes(` name=${this.#name} `);
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
      // Which of the two does not answer has to be known to make it anew.
      const checked = this.#live ? this.#check().catch(this.#lose) : this.#ofClient('ID').catch(() => undefined);
      void checked.finally(() => {
        this.#beat();
      });
    });
  }

  /** The server still tracks, for the connection that is still there. */
  async #check(): Promise<void> {
    const [info] = await Promise.all([
      this.#ofClient('TRACKINGINFO'),
      this.#ofSubscriber(this.#subscriber.ping()),
    ]);
    const [, flags] = info as [string, string[]];
    if (!flags.includes('bcast') || flags.includes('broken_redirect')) {
      throw new Error('The server does not tell of changes any more');
    }
  }

  /** It is the store's as well, and may be busy with its questions: it is given up when it stays silent. */
  async #ofClient(...command: string[]): Promise<unknown> {
    const answer = this.client.call('CLIENT', ...command);
    answer.then(
      () => (this.#silence = 0),
      () => undefined,
    );
    try {
      return await this.#inTime(answer);
    } catch (error) {
      if (error instanceof SilentError && ++this.#silence === MOST_SILENCE) {
        this.#silence = 0;
        this.client.disconnect(true);
      }
      throw error;
    }
  }

  /** A connection that is silent may be dead without a word; a new one costs little. */
  async #ofSubscriber<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await this.#inTime(answer);
    } catch (error) {
      if (error instanceof SilentError) this.#subscriber.disconnect(true);
      throw error;
    }
  }

  /** Rejects late answers. A busy event loop is no dead server: an answer that waits in the socket is read first. */
  #inTime<Result>(answer: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.schedule(HEARTBEAT_TIMEOUT, () => {
        this.clock.defer(() => {
          this.clock.defer(() => {
            reject(new SilentError('The server does not answer'));
          });
        });
      });
      answer.then(resolve, reject).finally(cancel);
    });
  }
}
