import type { City, CrowdedCity, NearbyCity } from '../cities/city-statements.js';
import type { LoggedQuery } from '../cities/database/cities-database.js';

/** What a reader got, how it came, and how long it took. */
export interface Answer<Value = unknown> {
  readonly value: Value;
  readonly status: 'hit' | 'stale' | 'miss';
  /** Seconds. */
  readonly age: number;
  readonly milliseconds: number;
  /** The value was fetched at this moment or, since an answer takes its time, at most `milliseconds` later. */
  readonly fetchedSince: number;
}

/** Milliseconds. Ages are exact to some milliseconds, and two fetches of one report are seconds apart. */
const TOLERANCE = 300;

/** Whether it is certainly from a later fetch. */
export function isNewer(answer: Answer, old: Answer): boolean {
  return answer.fetchedSince > old.fetchedSince + old.milliseconds + TOLERANCE;
}

/** The sample's HTTP API, from outside. */
export class CitiesApi {
  constructor(private readonly url: string) {}

  crowded(country: string): Promise<Answer<CrowdedCity[]>> {
    return this.#read(`/countries/${country}/crowded`);
  }

  nearby(id: number, kilometres: number): Promise<Answer<NearbyCity[]>> {
    return this.#read(`/cities/${id}/nearby?km=${kilometres}`);
  }

  async setPopulation(id: number, population: number): Promise<City> {
    const response = await this.#fetch(`/cities/${id}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ population }),
    });
    return (await response.json()) as City;
  }

  async cacheStats(): Promise<{ hits: number; stale: number; misses: number }> {
    const response = await this.#fetch('/cache/stats');
    return (await response.json()) as { hits: number; stale: number; misses: number };
  }

  async clearCache(): Promise<void> {
    await this.#fetch('/cache', { method: 'DELETE' });
  }

  async databaseLog(): Promise<LoggedQuery[]> {
    const response = await this.#fetch('/database/log');
    return (await response.json()) as LoggedQuery[];
  }

  async #read<Value>(path: string): Promise<Answer<Value>> {
    const start = performance.now();
    const response = await this.#fetch(path);
    const value = (await response.json()) as Value;
    const age = Number(response.headers.get('x-cache-age'));
    return {
      value,
      status: response.headers.get('x-cache') as Answer['status'],
      age,
      milliseconds: performance.now() - start,
      fetchedSince: start - age * 1000,
    };
  }

  async #fetch(path: string, init?: RequestInit): Promise<Response> {
    const response = await fetch(this.url + path, init);
    if (!response.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
}
