import { Injectable } from '@nestjs/common';
import { AsyncCached } from 'nestjs-async-cache';
import { COUNTRIES, type CountrySummary, type CrowdedCity, MOST_CROWDED } from './city-statements.js';
import { CitiesDatabase } from './database/cities-database.js';

/** Short enough to watch it. Reports like these would be good for hours. */
export const TTL = '4s';

/** Slow queries as decorated methods. Callers call them as if there were no cache. */
@Injectable()
export class CityReports {
  constructor(private readonly database: CitiesDatabase) {}

  @AsyncCached(TTL)
  async countries(): Promise<CountrySummary[]> {
    return this.database.query<CountrySummary>(COUNTRIES);
  }

  @AsyncCached(TTL)
  async mostCrowded(country: string): Promise<CrowdedCity[]> {
    return this.database.query<CrowdedCity>(MOST_CROWDED, { $country: country, $km: 20 });
  }
}
