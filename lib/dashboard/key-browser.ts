import type { CachedJob } from '../core/cached-job.js';
import type { Explanation } from '../core/job/explanation.js';
import type { KeyPage } from '../core/ports.js';
import type { AsyncCacheRuntime } from '../nest/async-cache-runtime.js';
import { jobWords } from './job-words.js';
import { Refusal } from './refusal.js';
import { type ShownValue, shownValue } from './shown-value.js';

/** Keys that the page shows at a time, unless one step of the search finds more. */
const PAGE = 50;
const LONGEST_INPUT = 2_000;
const CURSOR = /^(?:\d{1,20}(?:\.\d{1,20})?)?$/;
/** The beginning of the text of an argument, as keys have it. Other input is the beginning of a text argument. */
const ARGUMENT = /^(?:["[{<~\d-]|$)/;

export interface ShownJob {
  readonly name: string;
  readonly prefix: string;
  readonly words: readonly string[];
}

export interface ShownKey {
  readonly explanation: Explanation;
  readonly isRefreshable: boolean;
  /** Undefined where there is none, or where the guard hides values. */
  readonly value?: ShownValue;
}

/** Finds jobs and keys by their names, and changes them, for people. Throws a {@link Refusal} for what is not there. */
export class KeyBrowser {
  constructor(private readonly runtime: AsyncCacheRuntime) {}

  jobs(): ShownJob[] {
    return [...this.runtime.cache.jobs()].map(({ name, core }) => ({
      name,
      prefix: core.keys.prefix,
      words: jobWords(core),
    }));
  }

  async find(name: unknown, prefix: unknown, cursor: unknown): Promise<KeyPage> {
    const job = this.#job(name);
    if (typeof prefix !== 'string' || prefix.length > LONGEST_INPUT) throw new Refusal(400, 'The prefix is too long.');
    if (typeof cursor !== 'string' || !CURSOR.test(cursor)) throw new Refusal(400, 'There is no such cursor.');
    const page = await job.browse(ARGUMENT.test(prefix) ? prefix : `"${prefix}`, cursor, PAGE);
    if (page === undefined) throw new Refusal(501, 'The store of this job cannot list its keys.');
    return page;
  }

  async show(name: unknown, key: unknown, withValue: boolean): Promise<ShownKey> {
    const [job, own] = this.#key(name, key);
    const [explanation, peeked] = await Promise.all([job.explainKey(own), withValue ? job.peekKey(own) : undefined]);
    const isRefreshable = job.isRefreshable(own);
    if (peeked === undefined) return { explanation, isRefreshable };
    return { explanation, isRefreshable, value: shownValue('error' in peeked ? peeked.error : peeked.value) };
  }

  async refresh(name: unknown, key: unknown): Promise<void> {
    const [job, own] = this.#key(name, key);
    if (!job.isRefreshable(own)) {
      throw new Refusal(409, 'The key does not hold its arguments, so only a reader can refresh it: invalidate it.');
    }
    await job.refreshKey(own).catch((error: unknown) => {
      throw new Refusal(502, `The fetch failed: ${error instanceof Error ? error.message : 'it threw no Error'}`);
    });
  }

  async invalidate(name: unknown, key: unknown): Promise<void> {
    const [job, own] = this.#key(name, key);
    await job.invalidateKey(own);
  }

  async delete(name: unknown, key: unknown): Promise<boolean> {
    const [job, own] = this.#key(name, key);
    return job.deleteKey(own);
  }

  #job(name: unknown): CachedJob {
    const job = typeof name === 'string' ? this.runtime.cache.get(name) : undefined;
    if (job === undefined) throw new Refusal(404, 'There is no job of this name here.');
    return job;
  }

  #key(name: unknown, key: unknown): [CachedJob, string] {
    const job = this.#job(name);
    if (typeof key !== 'string' || key.length > LONGEST_INPUT || !job.core.keys.includes(key)) {
      throw new Refusal(404, 'This is no key of the job.');
    }
    return [job, key];
  }
}
