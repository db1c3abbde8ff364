import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, isNewer } from './answer.js';
import { CitiesApi } from './cities-api.js';
import { inSeconds } from './latencies.js';
import { startRedis } from './redis-process.js';
import { SampleProcess } from './sample-process.js';
import { nobodyWaited, Scenes, tookQueries } from './scenes.js';
import { Story } from './story.js';

/** That of the reports, in seconds: see cities/city-reports.ts. */
const TTL = 4;
/** Milliseconds. A dead worker is noticed within ten seconds; then there is the query, on a machine that may be busy. */
const TAKEN_OVER_WITHIN = 20_000;
const LONDON = 2643743;
const LONDONERS = 8_556_900;
const PER_SECOND = 100;

const story = new Story();
story.title(
  'The distributed sample',
  'Two web processes, two workers, Redis, and a database in a process of its own. ' +
    `Slow reports on the 135,233 cities of the world, each good for ${TTL} s.`,
);
story.progress('starting Redis, the database, two web processes and two workers');
const redis = await startRedis();
const database = await SampleProcess.start('database', 'distributed/database.js');
const environment = { REDIS_URL: redis.url, DATABASE_URL: database.url, CACHE_PREFIX: `cities-demo-${process.pid}` };
const start = (name: string, main: string): Promise<SampleProcess> => SampleProcess.start(name, main, environment);
const webs = await Promise.all([start('web-1', 'distributed/web.js'), start('web-2', 'distributed/web.js')]);
const workers = await Promise.all([
  start('worker-1', 'distributed/worker.js'),
  start('worker-2', 'distributed/worker.js'),
]);
const [web1, web2] = webs.map(({ url }) => new CitiesApi(url)) as [CitiesApi, CitiesApi];
const scenes = new Scenes(story, new CitiesApi(database.url));
try {
  await firstRead();
  await staleReads();
  await killedWorker();
  await write();
  await inAll();
  await web1.clearCache();
} finally {
  await Promise.all([...webs, ...workers].map((process) => process.stop()));
  await Promise.all([database.stop(), redis.stop()]);
}
process.exitCode = story.end();

async function firstRead(): Promise<void> {
  story.chapter('First read: 25 readers at each web process, and nothing is cached yet');
  const { traffic, queries } = await scenes.play((readers) => readers.atOnce(50, readAnywhere));
  const reports = new Set(traffic.answers.map(({ value }) => JSON.stringify(value)));
  story.expect('all together waited for one query', queries.length === 1, queries.length);
  story.expect('all got the same report', reports.size === 1);
}

async function staleReads(): Promise<void> {
  story.chapter('Fresh and stale reads at both, until a worker has brought a new report');
  const { traffic, queries } = await scenes.play(async (readers) => {
    const old = await readers.one(() => readAnywhere());
    await readers.steadily(
      { perSecond: PER_SECOND, seconds: 20, done: (answer) => isNewer(answer, old) },
      readAnywhere,
    );
  });
  const client = queries[0]?.client;
  story.tell(`the query came from ${client}`);
  story.expect('nobody waited for it', nobodyWaited({ traffic, queries }));
  story.expect(
    'there was one for all processes, by a worker',
    tookQueries(1, queries) && isWorker(client),
    queries.length,
  );
}

async function killedWorker(): Promise<void> {
  story.chapter('A worker is killed (SIGKILL) in the middle of a refresh');
  let victim: SampleProcess | undefined;
  let killed = 0;
  const { traffic, queries } = await scenes.play(async (readers) => {
    const old = await readers.one(() => readAnywhere());
    const reading = readers.steadily(
      { perSecond: PER_SECOND, seconds: 30, done: (answer) => isNewer(answer, old) },
      readAnywhere,
    );
    victim = await refreshingWorker();
    await victim?.kill();
    killed = performance.now();
    story.tell(`${victim?.name ?? 'nobody'} is killed while the database works on its query`);
    await reading;
  });
  const makingUp = performance.now() - killed;
  const [first, second] = queries.map(({ client }) => client);
  story.tell(`${second ?? 'nobody'} made up for it: the report was new ${inSeconds(makingUp)} after the kill`);
  story.expect('readers noticed nothing', nobodyWaited({ traffic, queries }));
  const tookOver = victim?.name === first && second !== first && isWorker(second);
  story.expect('the other worker took over', tookOver, `${first}, ${second}`);
  story.expect(
    'it did so once, and in time',
    tookQueries(2, queries) && makingUp < TAKEN_OVER_WITHIN,
    inSeconds(makingUp),
  );
}

async function write(): Promise<void> {
  story.chapter('Write and invalidate at one web process, read at the other');
  const before = peopleAround(await youngReport());
  const isNew = (answer: Answer): boolean => peopleAround(answer) !== before;
  let written = 0;
  const { traffic, queries } = await scenes.play(async (readers) => {
    await web1.setPopulation(LONDON, LONDONERS);
    written = performance.now();
    await readers.steadily({ perSecond: PER_SECOND, seconds: 15, done: isNew }, () => web2.crowded('GB'));
  });
  story.tell(`the report was new ${inSeconds(performance.now() - written)} after the write`);
  const old = traffic.answers.filter((answer) => !isNew(answer));
  story.expect('meanwhile readers got the old one, and nobody waited', nobodyWaited({ traffic, queries }));
  story.expect('from the moment of the write it was marked as stale', old.every(isStale));
  story.expect('then it showed the new London', traffic.answers.some(isNew));
  story.expect('for one query, by a worker', tookQueries(1, queries) && isWorker(queries[0]?.client), queries.length);
}

async function inAll(): Promise<void> {
  story.chapter('In all');
  await scenes.tellAll();
  story.expect('every reader got an answer', scenes.failed === 0, `${scenes.failed} that got none`);
}

function readAnywhere(reader = 0): Promise<Answer> {
  return (reader % 2 === 0 ? web1 : web2).crowded('GB');
}

async function refreshingWorker(): Promise<SampleProcess | undefined> {
  const deadline = performance.now() + 15_000;
  while (performance.now() < deadline) {
    const client = await scenes.busyClient();
    const worker = workers.find(({ name }) => name === client);
    if (worker !== undefined) return worker;
    await sleep(20);
  }
  return undefined;
}

/** Waits until the report is not about to become stale by itself. */
async function youngReport(): Promise<Answer> {
  const start = performance.now();
  for (;;) {
    const answer = await web2.crowded('GB');
    scenes.answers.push(answer);
    const isYoung = answer.status === 'hit' && answer.age < TTL - 1;
    if (isYoung || performance.now() - start > 3 * TTL * 1000) return answer;
    story.progress('waiting until the report is fresh');
    await sleep(50);
  }
}

function isStale({ status }: Answer): boolean {
  return status === 'stale';
}

function isWorker(client: string | undefined): boolean {
  return client?.startsWith('worker-') ?? false;
}

function peopleAround({ value }: Answer): number {
  return (value as { peopleAround: number }[])[0]?.peopleAround ?? Number.NaN;
}
