import { loadCities } from '../orm/database/load-cities.js';
import { CountedDatabase, ROLES } from './counted-database.js';
import { HttpApi } from './http-api.js';
import { inSeconds } from './latencies.js';
import { OrmStory } from './orm-story.js';
import { PostgresProcess } from './postgres-process.js';
import { startRedis } from './redis-process.js';
import { SampleProcess } from './sample-process.js';
import { Story } from './story.js';

const TITLES = { typeorm: 'TypeORM', prisma: 'Prisma' } as const;
type Orm = keyof typeof TITLES;
const ORMS = Object.keys(TITLES) as Orm[];

/** What is stopped at the end, the last first. */
const started: { stop(): Promise<void>; died(): Promise<never> }[] = [];
/** Rejects as soon as a server or a process of the sample ends by itself. */
let tellOfDeath: (error: unknown) => void = () => undefined;
const death = new Promise<never>((_, reject) => (tellOfDeath = reject));
const chosen = process.argv.slice(2);
if (!chosen.every((orm): orm is Orm => ORMS.includes(orm as Orm))) {
  console.error(`Usage: npm run demo:orm [-- ${ORMS.join('|')}]`);
  process.exit(2);
}
const story = new Story({ hangsAfter: 300 });
try {
  process.exitCode = await Promise.race([tell(chosen.length === 0 ? ORMS : chosen), death]);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
for (const each of started.reverse()) await each.stop();
// Readers may still wait for a process that is gone.
process.exit();

async function tell(orms: readonly Orm[]): Promise<number> {
  const postgres = await start(PostgresProcess.start());
  story.title(
    'Cached reads of an ORM',
    'The cities of the world, their divisions and countries in PostgreSQL. Two web processes, one worker, Redis. ' +
      'The database counts the statements of each.',
  );
  story.progress('starting Redis, loading the cities into PostgreSQL');
  const redis = await start(startRedis());
  const loading = performance.now();
  const admin = await postgres.connect('postgres');
  await admin.query('CREATE EXTENSION pg_stat_statements');
  for (const role of ROLES) await admin.query(`CREATE ROLE ${role} LOGIN IN ROLE pg_read_all_data, pg_write_all_data`);
  await admin.query('CREATE DATABASE cities');
  const client = await postgres.connect('cities');
  const { countries, divisions, cities } = await loadCities(client);
  await client.end();
  for (const orm of orms) await admin.query(`CREATE DATABASE ${orm} TEMPLATE cities`);
  await admin.end();
  const rows = [`${digits(cities)} cities`, `${digits(divisions)} divisions`, `${digits(countries)} countries`];
  story.tell(`${rows.join(', ')} loaded in ${inSeconds(performance.now() - loading)}`);
  for (const orm of orms) await tellOf(orm, postgres, redis.url);
  return story.end();
}

async function tellOf(orm: Orm, postgres: PostgresProcess, redisUrl: string): Promise<void> {
  story.title(TITLES[orm], `sample/orm/${orm}: two web processes and a worker`);
  story.progress('starting them');
  const startSample = async (name: string, role: (typeof ROLES)[number]): Promise<SampleProcess> =>
    start(
      SampleProcess.start(name, `orm/${orm}/${role}.js`, {
        REDIS_URL: redisUrl,
        DATABASE_URL: postgres.url(orm, role),
        CACHE_PREFIX: `cities-${orm}-${process.pid}`,
      }),
    );
  const [web1, web2, worker] = await Promise.all([
    startSample('web-1', 'web'),
    startSample('web-2', 'web'),
    startSample('worker', 'worker'),
  ]);
  const database = await CountedDatabase.open(postgres, orm);
  await new OrmStory(story, database, [new HttpApi(web1.url), new HttpApi(web2.url)]).tell();
  await database.close();
  await Promise.all([web1, web2, worker].map((each) => each.stop()));
}

async function start<Started extends (typeof started)[number]>(starting: Promise<Started>): Promise<Started> {
  const each = await starting;
  started.push(each);
  each.died().catch(tellOfDeath);
  return each;
}

function digits(number: number): string {
  return number.toLocaleString('en');
}
