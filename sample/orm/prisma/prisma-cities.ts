import { ConflictException, Injectable } from '@nestjs/common';
import { AsyncCache, type Reading } from 'nestjs-async-cache';
import { CachedDelegate, InjectCachedDelegate } from 'nestjs-async-cache/prisma';
import { Cities, type CityView, type CountryView } from '../cities.js';
import type { CrowdedCity } from '../database/crowded-report.js';
import { CrowdedCities } from './crowded-cities.js';
import { Prisma, type PrismaClient } from './generated/client.js';
import { PrismaService } from './prisma.service.js';

const include = { country: true, division: true } as const;
type CityRow = Prisma.CityGetPayload<{ include: typeof include }>;

@Injectable()
export class PrismaCities extends Cities {
  constructor(
    @InjectCachedDelegate('country') private readonly countries: CachedDelegate<PrismaClient['country']>,
    @InjectCachedDelegate('city') private readonly cities: CachedDelegate<PrismaClient['city']>,
    private readonly crowdedCities: CrowdedCities,
    private readonly asyncCache: AsyncCache,
    private readonly prisma: PrismaService,
  ) {
    super();
  }

  /** `read` says how the value came. An application that need not know that calls `this.countries.get(…)`. */
  country(code: string): Promise<Reading<CountryView>> {
    return this.countries.getJob.read({ where: { code } });
  }

  async city(id: number): Promise<Reading<CityView>> {
    const reading = await this.cities.getJob.read({ where: { id }, include });
    return { ...reading, value: viewOf(reading.value) };
  }

  async largest(countryCode: string): Promise<Reading<CityView[]>> {
    const orderBy = { population: 'desc' } as const;
    const reading = await this.cities.filterJob.read({ where: { countryCode }, include, orderBy, take: 10 });
    return { ...reading, value: reading.value.map(viewOf) };
  }

  count(countryCode: string): Promise<Reading<number>> {
    return this.cities.countJob.read({ where: { countryCode } });
  }

  crowded(country: string): Promise<Reading<CrowdedCity[]>> {
    return this.asyncCache.of(this.crowdedCities, 'inCountry').read(country);
  }

  async setPopulation(id: number, population: number): Promise<void> {
    await this.prisma.city.update({ where: { id }, data: { population } });
  }

  async rename(code: string, name: string): Promise<void> {
    await this.prisma.country.update({ where: { code }, data: { name } });
  }

  async move(people: number, from: number, to: number): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      await tx.city.update({ where: { id: to }, data: { population: { increment: people } } });
      const left = await this.cities.get({ where: { id: from } }); // in a transaction: from the database, by its client
      if (left.population < people) throw new ConflictException(`${left.name} does not have so many people.`);
      await tx.city.update({ where: { id: from }, data: { population: { decrement: people } } });
    });
  }

  isAbsent(error: unknown): boolean {
    return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025';
  }
}

/** Rows of Prisma have no methods of their own, but their Decimals and Dates have. So have those from the cache. */
function viewOf({ id, name, population, latitude, longitude, updatedAt, country, division }: CityRow): CityView {
  return {
    id,
    name,
    population,
    label: `${name}${division === null ? '' : ` (${division.id})`}, ${country.name}`,
    position: `${latitude.toFixed(2)}, ${longitude.toFixed(2)}`,
    updatedAt: updatedAt.toISOString(),
  };
}
