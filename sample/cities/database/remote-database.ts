import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { CitiesDatabase, type Parameters, type Statement } from './cities-database.js';

/** The same database in a process of its own: see distributed/database.ts. */
@Injectable()
export class RemoteDatabase extends CitiesDatabase {
  readonly #url = process.env['DATABASE_URL'] ?? 'http://127.0.0.1:5432';
  readonly #client = process.env['PROCESS_NAME'] ?? `process ${process.pid}`;

  async query<Row>({ name }: Statement, parameters: Parameters = {}): Promise<Row[]> {
    const response = await fetch(`${this.#url}/database/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ statement: name, parameters, client: this.#client }),
    });
    if (!response.ok) throw new ServiceUnavailableException(`The database answered ${response.status}.`);
    return (await response.json()) as Row[];
  }
}
