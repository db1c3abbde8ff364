import type { City, CrowdedCity, NearbyCity } from '../cities/city-statements.js';
import type { LoggedQuery } from '../cities/database/cities-database.js';
import type { Answer } from './answer.js';
import { HttpApi } from './http-api.js';

/** The HTTP API of the embedded and the distributed sample, from outside. */
export class CitiesApi extends HttpApi {
  crowded(country: string): Promise<Answer<CrowdedCity[]>> {
    return this.read(`/countries/${country}/crowded`);
  }

  nearby(id: number, kilometres: number): Promise<Answer<NearbyCity[]>> {
    return this.read(`/cities/${id}/nearby?km=${kilometres}`);
  }

  async setPopulation(id: number, population: number): Promise<City> {
    const response = await this.send('PATCH', `/cities/${id}`, { population });
    return (await response.json()) as City;
  }

  async cacheStats(): Promise<{ hits: number; stale: number; misses: number }> {
    const response = await this.fetch('/cache/stats');
    return (await response.json()) as { hits: number; stale: number; misses: number };
  }

  async clearCache(): Promise<void> {
    await this.fetch('/cache', { method: 'DELETE' });
  }

  async databaseLog(): Promise<LoggedQuery[]> {
    const response = await this.fetch('/database/log');
    return (await response.json()) as LoggedQuery[];
  }
}
