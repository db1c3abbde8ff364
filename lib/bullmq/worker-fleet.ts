import { createHash, randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import { backendOf } from './backend-of.js';
import { decodeMember, type FleetMember } from './fleet-member.js';
import { BEAT, JOIN, LEAVE, LOOK } from './fleet-scripts.js';
import { runScript, type Script } from './run-script.js';
import { settlesWithin } from './settles-within.js';

/** Milliseconds between the signs of life of a worker. */
const BEAT_INTERVAL = 5_000;
/** Milliseconds without a sign of life after which a worker counts as dead. */
const DEAD_AFTER = 15_000;
/** Milliseconds for which an answer about the fleet is used again: many requests may ask at once. */
const ANSWER_AGE = 1_000;
const LEAVE_TIMEOUT = 500;

export interface WorkerFleetOptions {
  readonly self: Pick<FleetMember, 'application' | 'host' | 'pid'>;
  /** Called once, at the first sight of a worker of another application under this prefix. */
  readonly onNeighbour: (neighbour: FleetMember) => void;
  /** Called when Redis does not do what it was asked; once, until it does again. */
  readonly onFailure: (error: Error) => void;
}

type OnBeat = (isClockSetBack: boolean) => Promise<void>;

/**
 * The live workers on one queue. Each writes beside the queue which application it belongs to and which jobs it knows, and
 * gives a sign of life every five seconds.
 */
export class WorkerFleet {
  readonly #id = randomUUID();
  readonly #since = Date.now();
  #prefixes: (() => Iterable<string>) | undefined;
  #onBeat: OnBeat = () => Promise.resolve();
  #joined = '';
  #timer: NodeJS.Timeout | undefined;
  #isBeating = false;
  #hasFailed = false;
  #hasLooked = false;
  #isClosed = false;
  #answer: { readonly at: number; readonly members: Promise<readonly FleetMember[]> } | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly options: WorkerFleetOptions,
  ) {}

  /**
   * Joins as a worker that knows the jobs whose keys begin so. Redis may be away: it joins when that is back. `onBeat` is
   * called with each sign of life, and told whether Redis has set its clock back since the last sign of life of any worker.
   */
  join(prefixes: () => Iterable<string>, onBeat: OnBeat = () => Promise.resolve()): void {
    this.#prefixes = prefixes;
    this.#onBeat = onBeat;
    this.#beat();
    this.#timer = setInterval(() => this.#beat(), BEAT_INTERVAL).unref();
  }

  /** Looks for neighbours without joining: for a process that only requests. */
  look(): void {
    void this.#attempt(async () => this.#meet(await this.members()));
  }

  /** How many live workers know the job of a key. Rejects when Redis cannot say. */
  async knowing(key: string): Promise<number> {
    const members = await this.members();
    return members.filter(({ prefixes }) => prefixes.some((prefix) => key.startsWith(prefix))).length;
  }

  /** Asks Redis at most once a second. */
  members(): Promise<readonly FleetMember[]> {
    const now = performance.now();
    if (this.#answer === undefined || now - this.#answer.at > ANSWER_AGE) {
      const members = this.#run(LOOK, [DEAD_AFTER]).then(decodeMembers);
      this.#answer = { at: now, members };
      members.catch(() => (this.#answer = undefined));
    }
    return this.#answer.members;
  }

  /** Is not found by others any more. Takes half a second at the most. */
  async leave(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    if (this.#joined === '') return;
    await settlesWithin(this.#run(LEAVE, [this.#id]), LEAVE_TIMEOUT);
  }

  #beat(): void {
    // While Redis is away the last sign of life is still under way.
    if (this.#isBeating) return;
    this.#isBeating = true;
    const beating = this.#attempt(async () => {
      // Jobs that are defined later are told with the next sign of life.
      const prefixes = JSON.stringify([...(this.#prefixes?.() ?? [])].sort());
      if (this.#joined === prefixes) {
        const [isMember, inFuture] = (await this.#run(BEAT, [this.#id, DEAD_AFTER])) as [number, number];
        await this.#onBeat(inFuture > 0);
        if (isMember === 1) return;
      }
      const self = JSON.stringify({ ...this.options.self, since: this.#since });
      const digest = createHash('sha1').update(prefixes).digest('base64url');
      this.#meet(decodeMembers(await this.#run(JOIN, [DEAD_AFTER, this.#id, `${digest}|${self}`, digest, prefixes])));
      this.#joined = prefixes;
    });
    void beating.finally(() => (this.#isBeating = false));
  }

  #meet(members: readonly FleetMember[]): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    const neighbour = members.find(({ application }) => application !== this.options.self.application);
    if (neighbour !== undefined) this.options.onNeighbour(neighbour);
  }

  async #attempt(act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#hasFailed = false;
    } catch (error) {
      if (this.#isClosed || this.#hasFailed) return;
      this.#hasFailed = true;
      this.options.onFailure(error as Error);
    }
  }

  async #run(script: Script, args: readonly (string | number)[]): Promise<unknown> {
    const client = await backendOf(this.queue).client;
    const keys = ['seen', 'members', 'jobs'].map((name) => this.queue.toKey(`fleet:${name}`));
    return runScript(client, script, [...keys, ...args]);
  }
}

/** The reply of a script: the members' descriptions, each after the digest of its prefixes; and prefixes by digest. */
function decodeMembers(reply: unknown): readonly FleetMember[] {
  const [described, listed] = reply as [string[], string[]];
  const prefixes = new Map<string, string>();
  for (let at = 0; at + 1 < listed.length; at += 2) prefixes.set(listed[at] as string, listed[at + 1] as string);
  return described.flatMap((text) => {
    const end = text.indexOf('|');
    return decodeMember(text.slice(end + 1), prefixes.get(text.slice(0, end))) ?? [];
  });
}
