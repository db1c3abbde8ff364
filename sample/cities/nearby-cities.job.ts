import { Injectable } from '@nestjs/common';
import { AsyncCacheJob } from 'nestjs-async-cache';
import { TTL } from './city-reports.js';
import { NEARBY, type NearbyCity } from './city-statements.js';
import { CitiesDatabase } from './database/cities-database.js';

const OFFERED_KILOMETRES = [10, 25, 50];

/** A slow query as a job class, for jobs with more than an option or two. Inject it and call `get(id, kilometres)`. */
@Injectable()
export class NearbyCities extends AsyncCacheJob {
  readonly ttl = TTL;

  constructor(private readonly database: CitiesDatabase) {
    super();
  }

  async fetch(id: number, kilometres: number): Promise<NearbyCity[]> {
    return this.database.query<NearbyCity>(NEARBY, { $id: id, $km: kilometres });
  }

  /** 42 and 50 kilometres are one entry. */
  prepareArgs(id: number, kilometres: number): [id: number, kilometres: number] {
    return [id, OFFERED_KILOMETRES.find((offered) => offered >= kilometres) ?? 50];
  }

  /** A change of a city cannot know in which lists the city is a neighbour. The tags of a list do. */
  tags(cities: readonly NearbyCity[]): string[] {
    return cities.map(({ id }) => `city:${id}`);
  }
}
