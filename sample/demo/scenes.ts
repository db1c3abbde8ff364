import { SET_POPULATION } from '../cities/city-statements.js';
import type { LoggedQuery } from '../cities/database/cities-database.js';
import type { Answer } from './answer.js';
import type { CitiesApi } from './cities-api.js';
import { count, inMilliseconds, inSeconds, percentile } from './latencies.js';
import type { Story } from './story.js';
import { tellReads, tellRow, waitsOf } from './story-rows.js';
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
      // For the progress only: where the machine is too busy to answer, the next look will do.
      this.#queries().then(
        (queries) => (running = queries.filter(isRunning).length),
        () => undefined,
      );
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
    const seen = tellReads(this.story, this.answers);
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
    const { miss } = tellReads(this.story, answers);
    if (failures.length > 0) tellRow(this.story, 'failed', failures.length, 'read', String(failures[0]));
    // Without misses no reader waited for a query.
    this.#tellQueries(queries, miss > 0 ? 'while the readers waited' : 'in the background');
  }

  #tellQueries(queries: readonly LoggedQuery[], which: string): void {
    const worked = queries.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0);
    const noun = queries.length === 1 ? 'query' : 'queries';
    tellRow(
      this.story,
      'database',
      queries.length,
      noun,
      queries.length === 0 ? '' : `${inMilliseconds(worked)} of work ${which}`,
    );
  }
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

function isRunning({ answeredAt }: LoggedQuery): boolean {
  return answeredAt === undefined;
}
