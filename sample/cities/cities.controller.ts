import {
  BadRequestException,
  Body,
  Controller,
  Get,
  NotFoundException,
  Param,
  ParseIntPipe,
  Patch,
  Query,
  UseInterceptors,
} from '@nestjs/common';
import { AsyncCache, type Reading } from 'nestjs-async-cache';
import { CityReports } from './city-reports.js';
import {
  type City,
  type CountrySummary,
  type CrowdedCity,
  type NearbyCity,
  SET_POPULATION,
} from './city-statements.js';
import { CitiesDatabase } from './database/cities-database.js';
import { NearbyCities } from './nearby-cities.job.js';
import { ReadingInterceptor } from './reading.interceptor.js';

@Controller()
export class CitiesController {
  constructor(
    private readonly reports: CityReports,
    private readonly nearbyCities: NearbyCities,
    private readonly asyncCache: AsyncCache,
    private readonly database: CitiesDatabase,
  ) {}

  /** The usual way to read: call the method. */
  @Get('countries')
  countries(): Promise<CountrySummary[]> {
    return this.reports.countries();
  }

  /** The same, with how the value came. */
  @Get('countries/:country/crowded')
  @UseInterceptors(ReadingInterceptor)
  crowded(@Param('country') country: string): Promise<Reading<CrowdedCity[]>> {
    if (!/^[A-Z]{2}$/.test(country)) throw new BadRequestException('A country has two capital letters: GB.');
    return this.asyncCache.of(this.reports, 'mostCrowded').read(country);
  }

  @Get('cities/:id/nearby')
  @UseInterceptors(ReadingInterceptor)
  nearby(
    @Param('id', ParseIntPipe) id: number,
    @Query('km', new ParseIntPipe({ optional: true })) kilometres = 25,
  ): Promise<Reading<NearbyCity[]>> {
    return this.nearbyCities.read(id, kilometres);
  }

  /** Nobody waits for the new reports: until they are there, readers get the old ones, marked as stale. */
  @Patch('cities/:id')
  async setPopulation(
    @Param('id', ParseIntPipe) id: number,
    @Body('population', ParseIntPipe) population: number,
  ): Promise<City> {
    const [city] = await this.database.query<City>(SET_POPULATION, { $id: id, $population: population });
    if (city === undefined) throw new NotFoundException(`There is no city ${id}.`);
    await Promise.all([
      this.asyncCache.of(this.reports, 'countries').invalidate(),
      this.asyncCache.of(this.reports, 'mostCrowded').invalidate(city.country),
      this.asyncCache.invalidateTags(`city:${id}`),
    ]);
    return city;
  }
}
