import { setTimeout as sleep } from 'node:timers/promises';
import { type CrowdedCity, MOST_CROWDED, NEARBY, type NearbyCity } from '../cities/city-statements.js';
import { type Answer, isNewer } from './answer.js';
import { CitiesApi } from './cities-api.js';
import { inMilliseconds, inSeconds, percentile } from './latencies.js';
import { SampleProcess } from './sample-process.js';
import { nobodyWaited, Scenes, tookQueries } from './scenes.js';
import { waitsOf } from './story-rows.js';
import { Story } from './story.js';

/** That of the reports, in seconds: see cities/city-reports.ts. */
const TTL = 4;
const LONDON = 2643743;
const VIENNA = 2761369;
const PER_SECOND = 200;
const MILLION = 1_000_000;

const story = new Story();
story.title(
  'The embedded sample',
  `One process, no server. Slow reports on the 135,233 cities of the world, each good for ${TTL} s.`,
);
story.progress('loading the cities');
const app = await SampleProcess.start('app', 'embedded/main.js');
const api = new CitiesApi(app.url);
const scenes = new Scenes(story, api);
try {
  const emptyWait = await firstRead();
  await freshReads(emptyWait);
  await staleReads();
  await steadyLoad();
  await write();
  await inAll();
} finally {
  await app.stop();
}
process.exitCode = story.end();

async function firstRead(): Promise<number> {
  story.chapter('First read: 50 readers at once, and nothing is cached yet');
  const { traffic, queries } = await scenes.play((readers) => readers.atOnce(50, () => api.crowded('GB')));
  const reports = new Set(traffic.answers.map(({ value }) => JSON.stringify(value)));
  story.expect('they waited for one query, not for 50', queries.length === 1);
  story.expect('all got the same report', reports.size === 1);
  return percentile(waitsOf(traffic.answers), 50);
}

async function freshReads(emptyWait: number): Promise<void> {
  story.chapter(`Fresh reads: the report is younger than its ttl of ${TTL} s`);
  if (emptyWait > (TTL - 0.5) * 1000)
    return story.tell('none: this machine is so busy that the report was old when it came');
  const { traffic, queries } = await scenes.play((readers) =>
    readers.steadily({ perSecond: PER_SECOND, seconds: TTL, done: ({ age }) => age > TTL - 0.3 }, () =>
      api.crowded('GB'),
    ),
  );
  story.expect('all came from the cache', traffic.of('hit').length === traffic.answers.length);
  story.expect('the database was left alone', queries.length === 0);
}

async function staleReads(): Promise<void> {
  story.chapter('Stale reads: it is older, until a refresh in the background has brought a new one');
  await sleep(500);
  let isNew = (_answer: Answer): boolean => false;
  const { traffic, queries } = await scenes.play(async (readers) => {
    const old = await readers.one(() => api.crowded('GB'));
    isNew = (answer) => isNewer(answer, old);
    await readers.steadily({ perSecond: PER_SECOND, seconds: 15, done: isNew }, () => api.crowded('GB'));
  });
  const stale = traffic.of('stale');
  story.tell(`the oldest report that a reader got: ${inSeconds(Math.max(...stale.map(({ age }) => age)) * 1000)} old`);
  story.expect('nobody waited for the query', nobodyWaited({ traffic, queries }));
  story.expect('there was one query for all of them', tookQueries(1, queries), queries.length);
  story.expect('then there was a new report', traffic.answers.some(isNew));
}

async function steadyLoad(): Promise<void> {
  story.chapter('Background refreshes: three reports under steady load, decorated methods and a job class alike');
  const firstReads = await Promise.all([api.nearby(LONDON, 50), api.nearby(VIENNA, 50)]);
  scenes.answers.push(...firstReads);
  story.tell(`two of them are read for the first time: ${waitsOf(firstReads).map(inMilliseconds).join(' and ')}`);
  const { traffic, queries } = await scenes.play((readers) =>
    readers.steadily({ perSecond: PER_SECOND, seconds: 9 }, (reader) => {
      if (reader % 3 === 0) return api.crowded('GB');
      return reader % 3 === 1 ? api.nearby(LONDON, 50) : api.nearby(VIENNA, 42);
    }),
  );
  const worked = queries.reduce((sum, { milliseconds = 0 }) => sum + milliseconds, 0);
  const minutes = ((worked / queries.length) * traffic.answers.length) / 60_000;
  story.tell(`without a cache the same reads would be ${minutes.toFixed(0)} minutes of work for the database`);
  const closest = await scenes.closestFetches();
  story.expect('nobody waited for a query', traffic.of('miss').length === 0, traffic.of('miss').length);
  story.expect('each report was refreshed', queries.length >= 3, queries.length);
  story.expect(`no report was fetched twice within ${TTL} s`, closest > TTL * 1000 * 0.95, inMilliseconds(closest));
}

async function write(): Promise<void> {
  story.chapter('Write and invalidate: a million people move to London');
  const before = await youngReports();
  const isNewCrowd = ({ value }: Answer<CrowdedCity[]>): boolean =>
    peopleAround(value) === peopleAround(before.crowd.value) + MILLION;
  const isNewList = ({ value }: Answer<NearbyCity[]>): boolean =>
    populationOfLondon(value) === populationOfLondon(before.list.value) + MILLION;

  const crowds: Answer<CrowdedCity[]>[] = [];
  const lists: Answer<NearbyCity[]>[] = [];
  let start = 0;
  let written = 0;
  const { traffic, queries } = await scenes.play(async (readers) => {
    start = performance.now();
    await api.setPopulation(LONDON, populationOfLondon(before.list.value) + MILLION);
    written = performance.now();
    await readers.steadily(
      { perSecond: PER_SECOND, seconds: 15, done: () => crowds.some(isNewCrowd) && lists.some(isNewList) },
      async (reader) =>
        reader % 2 === 0 ? remember(crowds, await api.crowded('GB')) : remember(lists, await api.nearby(LONDON, 50)),
    );
  });
  const renewal = performance.now() - written;
  story.tell(`the write took ${inMilliseconds(written - start)}; its reports were new ${inSeconds(renewal)} later`);
  const old = [...crowds.filter((crowd) => !isNewCrowd(crowd)), ...lists.filter((list) => !isNewList(list))];
  story.expect('meanwhile readers got the old ones, and nobody waited', nobodyWaited({ traffic, queries }));
  story.expect(
    'from the moment of the write these were marked as stale',
    old.every(({ status }) => status === 'stale'),
  );
  story.expect('then both showed the new London', crowds.some(isNewCrowd) && lists.some(isNewList));
  const tookOneEach = [MOST_CROWDED, NEARBY].every(({ name }) =>
    tookQueries(
      1,
      queries.filter(({ statement }) => statement === name),
    ),
  );
  story.expect('for one query each', tookOneEach, queries.length);
}

async function inAll(): Promise<void> {
  story.chapter('In all');
  const { hits, stale, misses } = await api.cacheStats();
  const seen = await scenes.tellAll();
  const agree = hits === seen.hit && stale === seen.stale && misses === seen.miss;
  story.expect('every reader got an answer', scenes.failed === 0, `${scenes.failed} that got none`);
  story.expect("the cache's own statistics agree", agree, `${hits} hits, ${stale} stale, ${misses} misses`);
}

/** Waits until neither report is about to become stale by itself. */
async function youngReports(): Promise<{ crowd: Answer<CrowdedCity[]>; list: Answer<NearbyCity[]> }> {
  const start = performance.now();
  for (;;) {
    const crowd = await api.crowded('GB');
    const list = await api.nearby(LONDON, 50);
    scenes.answers.push(crowd, list);
    const young = [crowd, list].every(({ status, age }) => status === 'hit' && age < TTL - 1);
    if (young || performance.now() - start > 3 * TTL * 1000) return { crowd, list };
    story.progress('waiting until both reports of London are fresh');
    await sleep(50);
  }
}

function peopleAround(cities: readonly CrowdedCity[]): number {
  return cities[0]?.peopleAround ?? Number.NaN;
}

function populationOfLondon(cities: readonly NearbyCity[]): number {
  return cities.find(({ id }) => id === LONDON)?.population ?? Number.NaN;
}

function remember<Value>(answers: Answer<Value>[], answer: Answer<Value>): Answer<Value> {
  answers.push(answer);
  return answer;
}
