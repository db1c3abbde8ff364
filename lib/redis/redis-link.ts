import { setTimeout as sleep } from 'node:timers/promises';

import type { Cluster, Redis } from 'ioredis';

import { StoreError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import { ConnectionWatchdog } from '../core/store/connection-watchdog.js';
import { LONGEST_SILENCE } from './redis-connection.js';
import { type ScriptName, scripts } from './scripts.js';
import { ServerClock } from './server-clock.js';

/** The answer of a script: the server's time, then texts and bytes. */
export type Reply = readonly (Buffer | null)[];

type Command = (...args: (string | Buffer)[]) => Promise<Reply>;

/** Milliseconds. Operations wait this long for the first connection before they are refused. */
const BOOT_WAIT = 2_000;

/** What ioredis says of a command that it could not send, or that was not answered before the connection ended. */
const CUT_OFF = /Stream isn't writeable|Connection is closed|max retries per request|aborted due to connection/i;

/** Milliseconds that each of the two steps of closing may take. */
const GOODBYE = 400;

/** Milliseconds between two checks whether the server is silent. */
const LOOK_INTERVAL = 500;

/**
 * The connection to the server: whether it can be used, the time of the server, and its scripts.
 *
 * Only the first connection is waited for, so that a read right after start-up works. Later an unreachable server is an
 * error at once: commands that queued until it returns would do writes that their callers have given up long ago.
 */
export class RedisLink {
  readonly #time = new ServerClock();
  readonly #commands: Readonly<Record<ScriptName, Command>>;
  #booting: Promise<void> | undefined;
  #asking: Promise<void> | undefined;
  readonly #silence = new ConnectionWatchdog(LONGEST_SILENCE);
  #cancelLook: () => void = () => undefined;
  #closed = false;
  /** Why there is no connection: a wrong password, an unknown host. */
  #trouble: unknown;

  constructor(
    readonly client: Redis | Cluster,
    private readonly clock: Clock,
  ) {
    this.#commands = defineScripts(client);
    client.on('error', (error: unknown) => (this.#trouble = error));
    // Registered before any other listener, so that the first answer on a new connection is the server's time.
    client.on('ready', () => {
      this.#trouble = undefined;
      this.#askTime().catch(() => undefined);
    });
    if (client.status === 'ready') this.#askTime().catch(() => undefined);
    else this.#boot();
    this.#lookLater();
  }

  /** True when a command would be written now, false when it would be refused at once. */
  get connected(): boolean {
    return this.client.status === 'ready';
  }

  now(): number {
    return this.#time.now() ?? this.clock.now();
  }

  /** Undefined when the connection can be used now. Rejects when there is no connection. */
  ready(): Promise<void> | undefined {
    if (!this.connected) {
      return this.#booting ?? Promise.reject(this.#unreachable('There is no connection to Redis'));
    }
    if (!this.#time.known) return this.#askTime();
    if (this.#time.old) this.#askTime().catch(() => undefined);
    return undefined;
  }

  /** Asks for the server's time: something that was read contradicts what this process takes for it. */
  doubtTime(): void {
    this.#askTime().catch(() => undefined);
  }

  async run(script: ScriptName, key: string | undefined, ...args: (string | Buffer)[]): Promise<Reply> {
    try {
      const waiting = this.ready();
      if (waiting !== undefined) await waiting;
      const sentAt = performance.now();
      const reply = await this.#commands[script](...args);
      this.#time.learn(sentAt, Number(reply[0]));
      return reply;
    } catch (error) {
      throw new StoreError(script, { key, cause: this.causeOf(error) });
    }
  }

  /** Why a command failed. Of one that was cut off with the connection, ioredis says only that it was not answered. */
  causeOf(error: unknown): unknown {
    const isCutOff = !this.connected || CUT_OFF.test(String(error));
    return isCutOff ? this.#unreachable('There is no connection to Redis') : error;
  }

  get isCluster(): boolean {
    return 'nodes' in this.client;
  }

  /** The servers that hold all keys between them. */
  masters(): readonly Redis[] {
    return 'nodes' in this.client ? this.client.nodes('master') : [this.client];
  }

  /** Takes no longer than a second, whatever the server does. */
  async close(): Promise<void> {
    const { client } = this;
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLook();
    // Between two attempts to connect there is no connection to end.
    const connected = !['end', 'reconnecting'].includes(client.status);
    const ended = new Promise((resolve) => client.once('end', resolve));
    if (client.status === 'ready')
      await atMost(
        GOODBYE,
        client.quit().catch(() => undefined),
      );
    client.disconnect();
    if (connected) await atMost(GOODBYE, ended);
  }

  #lookLater(): void {
    this.#cancelLook = this.clock.schedule(LOOK_INTERVAL, () => {
      const { client } = this;
      this.#silence.look('nodes' in client ? client.nodes() : [client]);
      this.#lookLater();
    });
  }

  #boot(): void {
    const { client } = this;
    if (client.status === 'wait') client.connect().catch(() => undefined);
    const giveUp = new AbortController();
    this.#booting = new Promise<void>((resolve, reject) => {
      const refuse = (): void => {
        reject(this.#unreachable('Redis cannot be reached'));
      };
      client.once('ready', () => {
        resolve(this.#askTime());
      });
      client.once('close', refuse);
      client.once('end', refuse);
      sleep(BOOT_WAIT, undefined, { ref: false, signal: giveUp.signal }).then(refuse, () => undefined);
    }).finally(() => {
      this.#booting = undefined;
      giveUp.abort();
    });
    this.#booting.catch(() => undefined);
  }

  #unreachable(what: string): Error {
    const { message = '', code = '' } = (this.#trouble ?? {}) as Partial<NodeJS.ErrnoException>;
    // For a host with several addresses Node's error has no message.
    const why = message === '' ? code : message;
    return new Error(why === '' ? what : `${what}: ${why}`, { cause: this.#trouble });
  }

  #askTime(): Promise<void> {
    this.#asking ??= this.#learnTime().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #learnTime(): Promise<void> {
    const sentAt = performance.now();
    const [seconds, microseconds] = await this.client.time();
    this.#time.learn(sentAt, Number(seconds) * 1_000 + Number(microseconds) / 1_000);
  }
}

async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const given = new AbortController();
  await Promise.race([promise, sleep(ms, undefined, { signal: given.signal })]);
  given.abort();
}

function defineScripts(client: Redis | Cluster): Readonly<Record<ScriptName, Command>> {
  const commands: Partial<Record<ScriptName, Command>> = {};
  for (const [script, { keys, lua }] of Object.entries(scripts)) {
    const name = `asyncCache:${script}`;
    client.defineCommand(name, { lua, numberOfKeys: keys });
    const defined = client as unknown as Record<string, Command>;
    commands[script as ScriptName] = (...args) => {
      const command = defined[`${name}Buffer`] as Command;
      return Reflect.apply(command, client, args);
    };
  }
  return commands as Record<ScriptName, Command>;
}
