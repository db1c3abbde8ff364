import { setTimeout as sleep } from 'node:timers/promises';
import type { LoggedChange, LoggedRead } from '../checker/chaos-log.js';
import type { CacheProcess } from '../cluster/cache-process.js';
import { ProcessGoneError } from '../cluster/cache-process.js';
import type { Cluster } from '../cluster/cluster.js';
import { read } from '../scenarios/readings.js';
import type { Random } from './random.js';

const READERS = 3;
const CHANGES = ['set', 'delete', 'invalidate', 'invalidateTag', 'deleteTag'] as const;

/** A key of a job, as the log names it. */
export interface Place {
  readonly job: 'brief' | 'briefTagged';
  readonly key: string;
}

/** Readers at every process, and a writer that changes the origin and then tells the cache. */
export class Traffic {
  readonly reads: LoggedRead[] = [];
  readonly changes: LoggedChange[] = [];
  #over = false;
  readonly #loops = new Set<Promise<void>>();
  readonly #attended = new Set<CacheProcess>();

  constructor(
    private readonly cluster: Cluster,
    private readonly places: readonly Place[],
    private readonly random: Random,
  ) {}

  start(): void {
    this.#loop(() => this.#attend());
    this.#loop(() => this.#change(this.random.split()));
  }

  async stop(): Promise<void> {
    this.#over = true;
    // A frozen process would never end its loop, but none is frozen by now.
    await Promise.all(this.#loops);
  }

  #loop(run: () => Promise<void>): void {
    const loop = run().finally(() => this.#loops.delete(loop));
    this.#loops.add(loop);
  }

  /** Starts readers for each process that starts. */
  async #attend(): Promise<void> {
    while (!this.#over) {
      for (const process of this.cluster.all) {
        if (this.#attended.has(process)) continue;
        this.#attended.add(process);
        for (let reader = 0; reader < READERS; reader++) this.#loop(() => this.#read(process, this.random.split()));
      }
      await sleep(50);
    }
  }

  async #read(process: CacheProcess, random: Random): Promise<void> {
    while (!this.#over && !process.gone) {
      const place = random.of(this.places);
      const start = performance.now();
      const about = { process: process.name, key: place.key, start };
      try {
        const { value, status } = await read(process, place.job, place.key);
        const { version, fetch } = value;
        this.reads.push({ ...about, end: performance.now(), status, version, fetch });
      } catch (error) {
        if (error instanceof ProcessGoneError) return;
        this.reads.push({ ...about, end: performance.now(), error: (error as Error).message });
      }
      await sleep(random.between(2, 30));
    }
  }

  async #change(random: Random): Promise<void> {
    while (!this.#over) {
      await sleep(random.between(20, 200));
      const place = random.of(this.places);
      const kind = random.of(place.job === 'briefTagged' ? CHANGES : CHANGES.slice(0, 3));
      const turn = random.next();
      const { all } = this.cluster;
      const process = all[Math.floor(turn * all.length)];
      // Some writes are not told to the cache: the value then becomes stale by its ttl.
      if (process === undefined || random.next() < 0.3) this.cluster.origin.write(place.key);
      else this.#loop(() => this.#make(kind, place, process));
    }
  }

  async #make(kind: (typeof CHANGES)[number], { job, key }: Place, process: CacheProcess): Promise<void> {
    const version = this.cluster.origin.write(key);
    const change = {
      kind,
      process: process.name,
      key,
      version,
      start: performance.now(),
      end: undefined as number | undefined,
      acknowledged: false,
    };
    this.changes.push(change);
    try {
      if (kind === 'set') await process.call('set', job, key, this.cluster.origin.valueOf(key));
      else await process.call(kind, job, key);
      change.acknowledged = true;
      change.end = performance.now();
    } catch (error) {
      // Whether a dead process made the change, and when, is unknown.
      if (!(error instanceof ProcessGoneError)) change.end = performance.now();
    }
  }
}
