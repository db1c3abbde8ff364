import { ConflictException, Injectable } from '@nestjs/common';
import { AsyncCache, type Reading } from 'nestjs-async-cache';
import { CachedRepository, InjectCachedRepository } from 'nestjs-async-cache/typeorm';
import { DataSource, EntityNotFoundError } from 'typeorm';
import { Cities, type CityView, type CountryView } from '../cities.js';
import type { CrowdedCity } from '../database/crowded-report.js';
import { CrowdedCities } from './crowded-cities.js';
import { City, Country } from './entities.js';

const relations = { country: true, division: true } as const;

@Injectable()
export class TypeOrmCities extends Cities {
  constructor(
    @InjectCachedRepository(Country) private readonly countries: CachedRepository<Country>,
    @InjectCachedRepository(City) private readonly cities: CachedRepository<City>,
    private readonly crowdedCities: CrowdedCities,
    private readonly asyncCache: AsyncCache,
    private readonly dataSource: DataSource,
  ) {
    super();
  }

  /** `read` says how the value came. An application that need not know that calls `this.countries.get({ code })`. */
  country(code: string): Promise<Reading<CountryView>> {
    return this.countries.getJob.read({ code });
  }

  async city(id: number): Promise<Reading<CityView>> {
    const reading = await this.cities.getJob.read({ id }, { relations });
    return { ...reading, value: viewOf(reading.value) };
  }

  async largest(countryCode: string): Promise<Reading<CityView[]>> {
    const order = { population: 'DESC' } as const;
    const reading = await this.cities.filterJob.read({ countryCode }, { relations, order, take: 10 });
    return { ...reading, value: reading.value.map(viewOf) };
  }

  count(countryCode: string): Promise<Reading<number>> {
    return this.cities.countJob.read({ countryCode });
  }

  crowded(country: string): Promise<Reading<CrowdedCity[]>> {
    return this.asyncCache.of(this.crowdedCities, 'inCountry').read(country);
  }

  async setPopulation(id: number, population: number): Promise<void> {
    const { manager } = this.dataSource;
    const city = await manager.findOneByOrFail(City, { id }); // not from the cache, where it may be stale
    city.population = population;
    await manager.save(city);
  }

  async rename(code: string, name: string): Promise<void> {
    const { manager } = this.dataSource;
    const country = await manager.findOneByOrFail(Country, { code });
    country.name = name;
    await manager.save(country);
  }

  async move(people: number, fromId: number, toId: number): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      const to = await this.cities.get({ id: toId }); // in a transaction: from the database, by its connection
      to.population += people;
      await manager.save(to);
      const from = await this.cities.get({ id: fromId });
      if (from.population < people) throw new ConflictException(`${from.name} does not have so many people.`);
      from.population -= people;
      await manager.save(from);
    });
  }

  isAbsent(error: unknown): boolean {
    return error instanceof EntityNotFoundError;
  }
}

/** Rows from the cache are instances, as TypeORM's own are. */
function viewOf(city: City): CityView {
  const { id, name, population, updatedAt } = city;
  return { id, name, population, label: city.label(), position: city.position(), updatedAt: updatedAt.toISOString() };
}
