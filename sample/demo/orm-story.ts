import { isDeepStrictEqual } from 'node:util';
import type { CityView, CountryView } from '../orm/cities.js';
import type { CrowdedCity } from '../orm/database/crowded-report.js';
import type { Answer } from './answer.js';
import type { CountedDatabase, ReadCounts } from './counted-database.js';
import type { HttpApi } from './http-api.js';
import { count, inMilliseconds, inSeconds, percentile } from './latencies.js';
import { tellReads, tellRow, waitsOf } from './story-rows.js';
import type { Story } from './story.js';
import { Traffic } from './traffic.js';

const BIRMINGHAM = 2655603;
const LONDON = '/cities/2643743';
const LONDON_ID = 2643743;
const BRITAIN = '/countries/GB';
const LARGEST = '/countries/GB/cities';
const COUNT = '/countries/GB/cities/count';
const CROWDED = '/countries/GB/crowded';
const NOWHERE = '/cities/1';
const NEW_NAME = 'Great Britain and Northern Ireland';
const PER_SECOND = 50;
const MILLION = 1_000_000;

interface Scene {
  readonly readers: Traffic;
  /** From here on the database counts anew: what a write reads for itself is no cached read. */
  written(): Promise<void>;
}

interface SceneEnd {
  readonly traffic: Traffic;
  /** What the database read for cached reads. */
  readonly reads: ReadCounts;
}

/** Reads and writes at two web processes, beside one worker. The two ORMs have one API, so their stories are the same. */
export class OrmStory {
  readonly #answers: Answer[] = [];
  #failed = 0;
  /** The statements of one read of London, which one ORM needs more of than another. */
  #statementsOfLondon = Number.NaN;
  /** Whether both web processes had what the last write made new. */
  #hasArrived = false;

  constructor(
    private readonly story: Story,
    private readonly database: CountedDatabase,
    private readonly webs: readonly [HttpApi, HttpApi],
  ) {}

  async tell(): Promise<void> {
    const start = await this.database.reads();
    await this.#tenReads();
    await this.#rows();
    await this.#staleReads();
    await this.#commit();
    await this.#rollback();
    await this.#relation();
    await this.#report();
    await this.#inAll(start);
  }

  async #tenReads(): Promise<void> {
    this.story.chapter('Ten reads of a country at once, five at each of two web processes, and then ten more');
    const { traffic, reads } = await this.#play(async ({ readers }) => {
      await readers.atOnce(10, (reader) => this.#read(BRITAIN, reader));
      for (let reader = 0; reader < 10; reader++) await readers.one(() => this.#read(BRITAIN, reader));
    });
    const later = traffic.answers.slice(10);
    this.story.expect('the database was asked once', total(reads) === 1, total(reads));
    this.story.expect('the ten later reads were hits', later.length === 10 && later.every(isHit), statuses(later));
    this.story.expect(
      'all got the row',
      traffic.answers.length === 20 && traffic.answers.every(({ value }) => countryOf(value).name === 'United Kingdom'),
    );
  }

  async #rows(): Promise<void> {
    this.story.chapter('A city with its division and country: rows from the cache are what the ORM returns');
    const { traffic, reads } = await this.#play(async ({ readers }) => {
      for (let reader = 0; reader < 10; reader++) await readers.one(() => this.#read(LONDON, reader));
    });
    this.#statementsOfLondon = total(reads);
    const [first, ...hits] = traffic.answers as [Answer, ...Answer[]];
    const { label, position, updatedAt } = cityOf(first.value);
    this.story.tell(`${label}: ${position}, ${updatedAt}`);
    this.story.expect(
      `one read asked the database, by ${count(total(reads), 'statement')}; nine were hits`,
      first.status === 'miss' && hits.every(isHit) && reads.worker === 0 && reads.web >= 1,
      statuses(traffic.answers),
    );
    this.story.expect(
      'their methods, Decimals and Dates work',
      label === 'London (GB-ENG), United Kingdom' && position === '51.51, -0.13' && Date.parse(updatedAt) > 0,
      label,
    );
    this.story.expect(
      'they are equal',
      hits.every(({ value }) => isDeepStrictEqual(value, first.value)),
    );
    const absent = await Promise.all(
      this.webs.map((web) => web.read(NOWHERE).catch((error: unknown) => String(error))),
    );
    this.story.expect('an absent row is 404 everywhere', absent.every(is404), JSON.stringify(absent));
  }

  async #staleReads(): Promise<void> {
    this.story.chapter('A write at one web process, while both are read');
    const people = (await this.#population()) + MILLION;
    const isNew = ({ value }: Answer): boolean => cityOf(value).population === people;
    const { traffic, reads } = await this.#play(async ({ readers, written }) => {
      await this.webs[0].send('PATCH', LONDON, { population: people });
      await written();
      await this.#untilNew(readers, [LONDON], isNew);
    });
    this.#expectRefresh(traffic, reads, isNew);
    this.story.expect(
      'the worker fetched once',
      reads.worker === this.#statementsOfLondon,
      `${reads.worker} statements, ${this.#statementsOfLondon} for one fetch`,
    );
  }

  async #commit(): Promise<void> {
    this.story.chapter('A transaction: 1,000 people move from Birmingham to London');
    const before = await this.#population();
    const isNew = ({ value }: Answer): boolean => cityOf(value).population === before + 1_000;
    let open: Answer[] = [];
    const { traffic, reads } = await this.#play(async ({ readers, written }) => {
      const release = await this.database.lockCity(BIRMINGHAM);
      const moving = this.#move(1_000);
      try {
        await this.database.blocked('web');
        this.story.tell('London is written, and the transaction waits for the row of Birmingham, which is locked');
        await readers.atOnce(20, (reader) => this.#read(LONDON, reader));
        open = [...readers.answers];
      } finally {
        await release();
      }
      const refusal = await moving;
      if (refusal !== undefined) throw new Error(refusal);
      await written();
      await this.#untilNew(readers, [LONDON], isNew);
    });
    this.story.expect(
      'before the commit London is as it was, and fresh',
      open.length === 20 && open.every((answer) => isHit(answer) && !isNew(answer)),
      statuses(open),
    );
    this.#expectRefresh(traffic, reads, isNew, open.length);
  }

  async #rollback(): Promise<void> {
    this.story.chapter('A transaction that is rolled back: there are not 50 million people in Birmingham');
    const before = await this.#population();
    let refusal: string | undefined;
    const { traffic, reads } = await this.#play(async ({ readers, written }) => {
      refusal = await this.#move(50 * MILLION);
      await written();
      for (let reader = 0; reader < 20; reader++) await readers.one(() => this.#read(LONDON, reader));
    });
    this.story.expect('it was refused, after London had been written', refusal?.includes('409') ?? false, refusal);
    this.story.expect(
      'nothing is stale, and London is as it was',
      traffic.answers.every((answer) => isHit(answer) && cityOf(answer.value).population === before),
      statuses(traffic.answers),
    );
    this.story.expect('the database was left alone', total(reads) === 0, total(reads));
  }

  async #relation(): Promise<void> {
    this.story.chapter('A row that others include: the country of a city and of a list gets another name');
    await this.#play(async ({ readers }) => {
      for (const path of [LARGEST, COUNT]) await readers.atOnce(2, (reader) => this.#read(path, reader));
    });
    const isNew = ({ value }: Answer): boolean =>
      (Array.isArray(value) ? value.map(cityOf) : [cityOf(value)]).every(({ label }) => label.endsWith(NEW_NAME));
    const counts: Answer[] = [];
    const { traffic, reads } = await this.#play(async ({ readers, written }) => {
      await this.webs[1].send('PATCH', BRITAIN, { name: NEW_NAME });
      await written();
      await this.#untilNew(readers, [LONDON, LARGEST], isNew);
      for (let reader = 0; reader < 2; reader++) counts.push(await this.#read(COUNT, reader));
    });
    this.#answers.push(...counts);
    this.#expectRefresh(traffic, reads, isNew);
    this.story.expect(
      `the count of its cities (${String(counts[0]?.value)}) did not read the country, and is fresh`,
      counts.every((answer) => isHit(answer) && Number(answer.value) > 4_000),
      statuses(counts),
    );
  }

  async #report(): Promise<void> {
    this.story.chapter('A slow report in SQL, fresh, and then stale because of a write');
    const [before] = await this.#readOnce(CROWDED);
    const people = (await this.#population()) + MILLION;
    const isNew = ({ value }: Answer): boolean =>
      crowdedOf(value).peopleAround !== crowdedOf(before.value).peopleAround;
    const reading = (readers: Traffic): Promise<void> =>
      readers.steadily({ perSecond: PER_SECOND, seconds: 2 }, (reader) => this.#read(CROWDED, reader));
    const fresh = await this.#play(({ readers }) => reading(readers));
    this.story.expect(
      'while it is fresh, all reads are hits and the database is left alone',
      fresh.traffic.answers.every(isHit) && total(fresh.reads) === 0,
      `${statuses(fresh.traffic.answers)}, ${total(fresh.reads)} statements`,
    );
    let waiting: Answer[] = [];
    const { traffic, reads } = await this.#play(async ({ readers, written }) => {
      await this.webs[0].send('PATCH', LONDON, { population: people });
      await written();
      const release = await this.database.lockCities();
      try {
        const first = readers.atOnce(1, () => this.#read(CROWDED));
        await this.database.blocked('worker');
        await first;
        this.story.tell("the worker's query has to wait, because the cities are locked");
        await reading(readers);
        waiting = [...readers.answers];
      } finally {
        await release();
      }
      await this.#untilNew(readers, [CROWDED], isNew);
    });
    this.story.expect(
      'meanwhile every reader got the old report, as a stale one',
      waiting.length > PER_SECOND && waiting.every((answer) => answer.status === 'stale' && !isNew(answer)),
      statuses(waiting),
    );
    this.#expectRefresh(traffic, reads, isNew);
    this.story.expect('the worker ran the report once', reads.worker === 1, reads.worker);
    const [stale, hits] = [waiting, fresh.traffic.answers].map((answers) => percentile(waitsOf(answers), 99)) as [
      number,
      number,
    ];
    this.story.tell(
      `p99 of its stale reads ${inMilliseconds(stale)}, of its fresh reads ${inMilliseconds(hits)}: ` +
        `${(stale / hits).toFixed(2)} times as long. The query took ${inSeconds(reads.milliseconds)}`,
    );
  }

  async #inAll(start: ReadCounts): Promise<void> {
    this.story.chapter('In all');
    tellReads(this.story, this.#answers);
    const reads = await this.database.readsSince(start);
    this.#tellDatabase(reads);
    this.story.expect('every reader got an answer', this.#failed === 0, `${this.#failed} that got none`);
    this.story.expect('most refreshes were those of the worker', reads.worker > 0, reads.worker);
  }

  /** What holds after every write that makes something stale. */
  #expectRefresh(traffic: Traffic, reads: ReadCounts, isNew: (answer: Answer) => boolean, from = 0): void {
    const later = traffic.answers.slice(from);
    const old = later.filter((answer) => !isNew(answer));
    this.story.expect(
      'once it was acknowledged, old rows were marked as stale',
      old.length > 0 && old.every(({ status }) => status === 'stale'),
      statuses(old),
    );
    this.story.expect(
      'nobody waited: no read of a web process asked the database',
      later.every(({ status }) => status !== 'miss') && reads.web === 0,
      `${statuses(later)}, ${reads.web} statements`,
    );
    this.story.expect('then both web processes had what is new', this.#hasArrived);
  }

  async #play(act: (scene: Scene) => Promise<void>): Promise<SceneEnd> {
    const start = performance.now();
    let before = await this.database.reads();
    const readers = new Traffic(({ answers, underWay }) =>
      this.story.progress(
        [inSeconds(performance.now() - start), count(answers.length, 'read'), `${underWay} waiting`].join(' · '),
      ),
    );
    await act({ readers, written: async () => void (before = await this.database.reads()) });
    const reads = await this.database.readsSince(before);
    this.#answers.push(...readers.answers);
    this.#failed += readers.failures.length;
    tellReads(this.story, readers.answers);
    if (readers.failures.length > 0) {
      tellRow(this.story, 'failed', readers.failures.length, 'read', String(readers.failures[0]));
    }
    this.#tellDatabase(reads);
    return { traffic: readers, reads };
  }

  #tellDatabase(reads: ReadCounts): void {
    const details = `web ${reads.web}, worker ${reads.worker}; ${inMilliseconds(reads.milliseconds)} of work`;
    tellRow(this.story, 'database', total(reads), total(reads) === 1 ? 'query' : 'queries', details);
  }

  /** Reads each path at both web processes, until both have what is new. */
  async #untilNew(readers: Traffic, paths: readonly string[], isNew: (answer: Answer) => boolean): Promise<void> {
    const places = paths.flatMap((path) => this.webs.map((web) => ({ path, web })));
    const isNewAt = new Set<number>();
    await readers.steadily(
      { perSecond: PER_SECOND, seconds: 20, done: () => isNewAt.size === places.length },
      async (reader) => {
        const place = reader % places.length;
        const answer = await places[place]!.web.read(places[place]!.path);
        if (isNew(answer)) isNewAt.add(place);
        return answer;
      },
    );
    this.#hasArrived = isNewAt.size === places.length;
  }

  async #readOnce(path: string): Promise<[Answer]> {
    const { traffic } = await this.#play(async ({ readers }) => void (await readers.one(() => this.#read(path))));
    return traffic.answers as [Answer];
  }

  /** That of London, when it is fresh. */
  async #population(): Promise<number> {
    const answer = await this.#read(LONDON);
    this.#answers.push(answer);
    return cityOf(answer.value).population;
  }

  /** Returns why it was refused. */
  async #move(people: number): Promise<string | undefined> {
    try {
      await this.webs[0].send('POST', '/moves', { people, from: BIRMINGHAM, to: LONDON_ID });
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  #read(path: string, reader = 0): Promise<Answer> {
    return this.webs[reader % 2 === 0 ? 0 : 1].read(path);
  }
}

function total({ web, worker }: ReadCounts): number {
  return web + worker;
}

function isHit({ status }: Answer): boolean {
  return status === 'hit';
}

function is404(answer: unknown): boolean {
  return String(answer).includes(': 404 ');
}

/** `18 hit, 2 stale`. */
function statuses(answers: readonly Answer[]): string {
  const seen = new Map<string, number>();
  for (const { status } of answers) seen.set(status, (seen.get(status) ?? 0) + 1);
  return [...seen].map(([status, times]) => `${times} ${status}`).join(', ') || 'none';
}

function cityOf(value: unknown): CityView {
  return value as CityView;
}

function countryOf(value: unknown): CountryView {
  return value as CountryView;
}

function crowdedOf(value: unknown): CrowdedCity {
  return (value as CrowdedCity[])[0]!;
}
