import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../core/ports.js';
import { SilenceWatch } from '../core/silence-watch.js';
import { LONGEST_SILENCE } from './redis-connection.js';

const CHANNEL = '__redis__:invalidate';
/** How often it is made sure that the server would tell: a connection may be dead without a word. */
const HEARTBEAT_INTERVAL = 500;
const HEARTBEAT_TIMEOUT = 500;
/** Not the client's own: one of a Cluster's would not come back at all. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

/** So often in a row a server may refuse to tell of changes before that is reported: after a failover it does so for a moment. */
const MOST_REFUSALS = 5;
/** In a Cluster not every name can be written here: so many are tried at a time. */
const MOST_PROBES = 100;
/** Nobody is to find it among the entries. */
const PROBE = "redis.call('SET', KEYS[1], '') redis.call('DEL', KEYS[1])";

/**
 * Of ioredis 6, whose RESP3 would throw the news away; ioredis 5 knows nothing else. Redis sends them as messages to a
 * RESP2 connection only.
 */
const RESP2 = { protocol: 2 } as const;

class SilentError extends Error {}

export interface NodeChanges {
  /** Names of changed keys; undefined: all of them. */
  onChange(names: readonly string[] | undefined): void;
  /** `live` has changed. */
  onState(): void;
  /** The server can be reached, and does not tell of changes: it is asked again, but that may go on for ever. */
  onRefusal(error: unknown): void;
}

/**
 * The changes on one server. The store's own connection asks for them; they arrive on a second one, since RESP2 has no
 * room for them on the first. Either being lost ends the trust.
 */
export class NodeChangeFeed {
  readonly #subscriber: Redis;
  #probe: { readonly name: string; readonly told: () => void } | undefined;
  #subscriberId: Promise<number> | undefined;
  #live = false;
  #closed = false;
  #arming = false;
  /** How often one of the two connections was lost. */
  #losses = 0;
  #refusals = 0;
  readonly #silence = new SilenceWatch(LONGEST_SILENCE);
  #cancelHeartbeat: () => void = () => undefined;

  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
    private readonly clock: Clock,
    private readonly changes: NodeChanges,
  ) {
    this.#subscriber = client.duplicate({
      ...RESP2,
      enableOfflineQueue: false,
      autoResubscribe: false,
      lazyConnect: false,
      retryStrategy,
    });
    // Every failure shows in `live`; the connection's own are told by the store.
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('ready', this.#subscribe);
    this.#subscriber.on('messageBuffer', (_channel: Buffer, changed: readonly Buffer[] | null) => {
      const names = changed?.map(String);
      if (this.#probe !== undefined && names?.includes(this.#probe.name)) this.#probe.told();
      changes.onChange(names);
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
      .then(
        () => {
          this.#refusals = 0;
          if (losses === this.#losses) this.#become(true);
        },
        (error: unknown) => {
          if (losses === this.#losses && ++this.#refusals === MOST_REFUSALS) this.changes.onRefusal(error);
        },
      )
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
    // Off first: a redirection to a connection that is gone cannot be replaced otherwise.
    await this.#ofClient('CLIENT', 'TRACKING', 'OFF');
    await this.#ofClient('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', this.prefix);
    await this.#beTold();
  }

  /**
   * Only who has told of a change is trusted. After a failover the two connections may be to different servers, where the
   * id of the subscriber is unknown or a stranger's; and what stands between may not pass messages on.
   */
  async #beTold(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const name = `${this.prefix}${randomBytes(12).toString('base64url')}}`;
      const told = new Promise<void>((resolve) => (this.#probe = { name, told: resolve }));
      try {
        await this.#ofClient('EVAL', PROBE, '1', name);
        await this.#ofSubscriber(told);
        return;
      } catch (error) {
        const isElsewhere = error instanceof Error && error.message.startsWith('MOVED ');
        if (!isElsewhere || attempt === MOST_PROBES) throw error;
      } finally {
        this.#probe = undefined;
      }
    }
  }

  #beat(): void {
    this.#cancelHeartbeat = this.clock.schedule(HEARTBEAT_INTERVAL, () => {
      if (this.#closed) return;
      // Also of a server that never says that it is ready, to which no question of ours gets.
      this.#silence.look([this.#subscriber]);
      if (!this.#live) this.#arm();
      // Otherwise a connection on which nothing arrives is noticed only if somebody else asks on it.
      const checked = this.#live ? this.#check().catch(this.#lose) : this.#ofClient('PING').catch(() => undefined);
      void checked.finally(() => {
        this.#beat();
      });
    });
  }

  /** The server still tracks, for the connection that is still there. */
  async #check(): Promise<void> {
    const [info] = await Promise.all([
      this.#ofClient('CLIENT', 'TRACKINGINFO'),
      this.#ofSubscriber(this.#subscriber.ping()),
    ]);
    const [, flags] = info as [string, string[]];
    if (!flags.includes('bcast') || flags.includes('broken_redirect')) {
      throw new Error('The server does not tell of changes any more');
    }
  }

  /** It is the store's as well, and may be busy with its questions: when to give it up is for the store to say. */
  #ofClient(command: string, ...args: string[]): Promise<unknown> {
    return this.#inTime(this.client.call(command, ...args));
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
