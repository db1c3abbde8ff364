import { SET_POPULATION } from '../cities/city-statements.js';
import type { LoggedQuery } from '../cities/database/cities-database.js';
import type { Answer, CitiesApi } from './cities-api.js';
import { count, inMilliseconds, inSeconds, percentile } from './latencies.js';
import type { Story } from './story.js';
import { Traffic } from './traffic.js';

export interface SceneEnd {
  readonly traffic: Traffic;
  /** What the database was asked for reports meanwhile. */
  readonly queries: LoggedQuery[];
}

/** Runs readers, watches the database's own log, and prints both. */
export class Scenes {
  /** Everything that any reader got. */
  readonly answers: Answer[] = [];
  #failed = 0;

  constructor(
    private readonly story: Story,
    /** Serves the database's log. */
    private readonly database: CitiesApi,
  ) {}

  /** Reads that were not answered. */
  get failed(): number {
    return this.#failed;
  }

  async play(act: (traffic: Traffic) => Promise<void>): Promise<SceneEnd> {
    const before = (await this.#queries()).length;
    const start = performance.now();
    let running = 0;
    const traffic = new Traffic(({ answers, underWay }) =>
      this.story.progress(
        [
          inSeconds(performance.now() - start),
          count(answers.length, 'read'),
          `${underWay} waiting`,
          `database: ${running > 0 ? 'busy' : 'idle'}`,
        ].join(' · '),
      ),
    );
    const watch = setInterval(() => {
      void this.#queries().then((queries) => (running = queries.filter(isRunning).length));
    }, 250);
    await act(traffic).finally(() => clearInterval(watch));
    const queries = (await this.#queries()).slice(before);
    this.answers.push(...traffic.answers);
    this.#failed += traffic.failures.length;
    this.#tell(traffic, queries);
    return { traffic, queries };
  }

  /** Prints a summary, and returns the number of reads by status. */
  async tellAll(): Promise<Record<Answer['status'], number>> {
    const seen = this.#tellReads(this.answers);
    this.#tellQueries(await this.#queries(), 'for all of them');
    return seen;
  }

  /** Milliseconds between the two closest fetches of one report. */
  async closestFetches(): Promise<number> {
    const lastFetch = new Map<string, number>();
    let closest = Infinity;
    for (const { statement, parameters, askedAt } of await this.#queries()) {
      const report = JSON.stringify([statement, parameters]);
      closest = Math.min(closest, askedAt - (lastFetch.get(report) ?? -Infinity));
      lastFetch.set(report, askedAt);
    }
    return closest;
  }

  /** The process whose query the database runs now. */
  async busyClient(): Promise<string | undefined> {
    return (await this.#queries()).find(isRunning)?.client;
  }

  async #queries(): Promise<LoggedQuery[]> {
    const log = await this.database.databaseLog();
    return log.filter(({ statement }) => statement !== SET_POPULATION.name);
  }

  #tell({ answers, failures }: Traffic, queries: readonly LoggedQuery[]): void {
    const { miss } = this.#tellReads(answers);
    if (failures.length > 0) this.#row('failed', failures.length, 'read', String(failures[0]));
    // Without misses no reader waited for a query.
    this.#tellQueries(queries, miss > 0 ? 'while the readers waited' : 'in the background');
  }

  #tellReads(answers: readonly Answer[]): Record<Answer['status'], number> {
    const seen = { miss: 0, hit: 0, stale: 0 };
    for (const status of ['miss', 'hit', 'stale'] as const) {
      const waits = waitsOf(answers.filter((answer) => answer.status === status));
      seen[status] = waits.length;
      if (waits.length > 0) this.#row(status, waits.length, 'read', `p50 ${wait(waits, 50)}   p99 ${wait(waits, 99)}`);
    }
    return seen;
  }

  #tellQueries(queries: readonly LoggedQuery[], which: string): void {
    const worked = queries.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0);
    const noun = queries.length === 1 ? 'query' : 'queries';
    this.#row(
      'database',
      queries.length,
      noun,
      queries.length === 0 ? '' : `${inMilliseconds(worked)} of work ${which}`,
    );
  }

  #row(what: string, howMany: number, of: string, details: string): void {
    const number = howMany.toLocaleString('en').padStart(7);
    const noun = `${of}${of === 'read' && howMany !== 1 ? 's' : ''}`.padEnd(9);
    this.story.tell(`${what.padEnd(9)}${number} ${noun} ${details}`.trimEnd());
  }
}

export function waitsOf(answers: readonly Answer[]): number[] {
  return answers.map(({ milliseconds }) => milliseconds);
}

/** A loose limit, since the machine may be busy: stale reads were far faster than a query that ran meanwhile. */
export function nobodyWaited({ traffic, queries }: SceneEnd): boolean {
  const longest = Math.max(...queries.map(({ askedAt, answeredAt = askedAt }) => answeredAt - askedAt));
  return traffic.of('miss').length === 0 && percentile(waitsOf(traffic.of('stale')), 50) < longest / 5;
}

/**
 * Whether it took this many queries to get an answer. More may follow: if a query takes longer than the ttl, its report
 * is stale when it arrives.
 */
export function tookQueries(times: number, queries: readonly LoggedQuery[]): boolean {
  const answeredAt = queries[times - 1]?.answeredAt;
  return answeredAt !== undefined && queries.filter(({ askedAt }) => askedAt < answeredAt).length === times;
}

function wait(waits: readonly number[], percent: number): string {
  return inMilliseconds(percentile(waits, percent)).padStart(8);
}

function isRunning({ answeredAt }: LoggedQuery): boolean {
  return answeredAt === undefined;
}
