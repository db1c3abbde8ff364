import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Clock } from '../core/ports.js';
import { ConnectionWatchdog } from '../core/store/connection-watchdog.js';
import { LONGEST_SILENCE } from './redis-connection.js';

const CHANNEL = '__redis__:invalidate';
/**
 * Milliseconds between two checks that the server would still report a change: a connection may be dead without an
 * error.
 */
const HEARTBEAT_INTERVAL = 500;
const HEARTBEAT_TIMEOUT = 500;
/** The client's own strategy is not used, because that of a Cluster node does not reconnect at all. */
const retryStrategy = (attempt: number): number => Math.min(50 * attempt, 1_000);

/**
 * Consecutive refusals before the feed reports that the server does not allow tracking. After a failover a server
 * refuses for a moment.
 */
const MOST_REFUSALS = 5;
/** In a Cluster a server accepts only names of its own slots. This many random names are tried until one fits. */
const MOST_PROBES = 100;
/** Removes the probe in the same script, so that it is never found among the entries. */
const PROBE = "redis.call('SET', KEYS[1], '') redis.call('DEL', KEYS[1])";

/**
 * An option of ioredis 6, whose RESP3 connections drop invalidation messages; ioredis 5 knows RESP2 only. Redis sends
 * them as Pub/Sub messages to RESP2 connections only.
 */
const RESP2 = { protocol: 2 } as const;

class SilentError extends Error {}

export interface ServerChanges {
  /** Called with the names of changed keys; undefined means all keys. */
  onChange(names: readonly string[] | undefined): void;
  /** Called when `live` has changed. */
  onState(): void;
  /**
   * Called when the server can be reached and does not report changes. It is asked again, but that may fail for ever.
   */
  onRefusal(error: unknown): void;
}

/**
 * Reports the changes on one server. The store's own connection turns tracking on, and the messages arrive on a second
 * connection, since RESP2 cannot carry them on the first. If either connection is lost, the feed is not live.
 */
export class ServerChangeFeed {
  readonly #subscriber: Redis;
  #probe: { readonly name: string; readonly told: () => void } | undefined;
  #subscriberId: Promise<number> | undefined;
  #live = false;
  #closed = false;
  #arming = false;
  /** How often either of the two connections was lost. */
  #losses = 0;
  #refusals = 0;
  readonly #silence = new ConnectionWatchdog(LONGEST_SILENCE);
  #cancelHeartbeat: () => void = () => undefined;

  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
    private readonly clock: Clock,
    private readonly changes: ServerChanges,
  ) {
    this.#subscriber = client.duplicate({
      ...RESP2,
      enableOfflineQueue: false,
      autoResubscribe: false,
      lazyConnect: false,
      retryStrategy,
    });
    // Every failure makes `live` false, and the store reports those of the connection.
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('ready', this.#subscribe);
    this.#subscriber.on('messageBuffer', (_channel: Buffer, changed: readonly Buffer[] | null) => {
      const names = changed?.map(String);
      if (this.#probe !== undefined && names?.includes(this.#probe.name)) this.#probe.told();
      changes.onChange(names);
    });
    client.on('ready', this.#arm);
    for (const connection of [client, this.#subscriber]) connection.on('close', this.#lose);
    // The connection to a Cluster node is opened when it is first used.
    if (client.status === 'wait') client.ping().catch(() => undefined);
    this.#arm();
    this.#beat();
  }

  get live(): boolean {
    return this.#live;
  }

  /**
   * Resolves when every earlier report of the server has been read. If the server does not answer, the feed is not live
   * any more.
   */
  async readAll(): Promise<void> {
    if (!this.#live) return;
    try {
      await this.#ofSubscriber(this.#subscriber.ping());
    } catch {
      this.#lose();
    }
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

  /** The id is asked for first: a RESP2 connection in subscriber mode cannot be asked any more. */
  readonly #subscribe = (): void => {
    this.#subscriberId = this.#subscriber.client('ID').then(async (id) => {
      await this.#subscriber.subscribe(CHANNEL);
      return id;
    });
    this.#subscriberId.then(this.#arm, () => undefined);
  };

  async #askServer(): Promise<void> {
    const id = await this.#ofSubscriber(this.#subscriberId ?? Promise.reject(new Error('Not subscribed')));
    // Off first, because a redirection to a connection that is gone cannot be replaced otherwise.
    await this.#ofClient('CLIENT', 'TRACKING', 'OFF');
    await this.#ofClient('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(id), 'BCAST', 'PREFIX', this.prefix);
    await this.#beTold();
  }

  /**
   * Makes a change and waits until the server reports it; only then is the feed live. After a failover the two
   * connections may be to different servers, where the subscriber's id is unknown or belongs to another client. A proxy
   * in between may drop the messages.
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
      // Also checks a server that never becomes ready, to which no command gets.
      this.#silence.look([this.#subscriber]);
      if (!this.#live) this.#arm();
      // While the feed is not live, PING detects a dead connection, which would otherwise be noticed only when somebody
      // uses it.
      const checked = this.#live ? this.#check().catch(this.#lose) : this.#ofClient('PING').catch(() => undefined);
      void checked.finally(() => {
        this.#beat();
      });
    });
  }

  /** Checks that the server still tracks, and that it does so for the current subscriber. */
  async #check(): Promise<void> {
    const [info] = await Promise.all([
      this.#ofClient('CLIENT', 'TRACKINGINFO'),
      this.#ofSubscriber(this.#subscriber.ping()),
    ]);
    const [, flags] = info as [string, string[]];
    if (!flags.includes('bcast') || flags.includes('broken_redirect')) {
      throw new Error('The server no longer reports changes');
    }
  }

  /** This connection is the store's, and may be busy with its commands. Only the store decides when to replace it. */
  #ofClient(command: string, ...args: string[]): Promise<unknown> {
    return this.#inTime(this.client.call(command, ...args));
  }

  /**
   * Replaces a subscriber connection that does not answer: it may be dead without an error, and a new one costs little.
   */
  async #ofSubscriber<Result>(answer: Promise<Result>): Promise<Result> {
    try {
      return await this.#inTime(answer);
    } catch (error) {
      if (error instanceof SilentError) this.#subscriber.disconnect(true);
      throw error;
    }
  }

  /**
   * Rejects when the answer comes late. A busy event loop is not a dead server, so answers that wait in the socket are
   * read before the deadline counts.
   */
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
