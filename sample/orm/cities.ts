import type { Reading } from 'nestjs-async-cache';
import type { CrowdedCity } from './database/crowded-report.js';

/** What the API tells of a city. */
export interface CityView {
  readonly id: number;
  readonly name: string;
  readonly population: number;
  /** `London (GB-ENG), United Kingdom`. */
  readonly label: string;
  /** `51.51, -0.13`. */
  readonly position: string;
  readonly updatedAt: string;
}

export interface CountryView {
  readonly code: string;
  readonly name: string;
}

/** The cities as the controller sees them. There is one class for TypeORM and one for Prisma. */
export abstract class Cities {
  abstract country(code: string): Promise<Reading<CountryView>>;
  /** With its division and country. */
  abstract city(id: number): Promise<Reading<CityView>>;
  /** The ten largest of a country, with their divisions and countries. */
  abstract largest(country: string): Promise<Reading<CityView[]>>;
  abstract count(country: string): Promise<Reading<number>>;
  abstract crowded(country: string): Promise<Reading<CrowdedCity[]>>;

  abstract setPopulation(id: number, population: number): Promise<void>;
  abstract rename(country: string, name: string): Promise<void>;
  /** People move from one city to another, in a transaction that is rolled back where there are not so many of them. */
  abstract move(people: number, from: number, to: number): Promise<void>;

  /** Whether it is the ORM's own error for a row that is not there. */
  abstract isAbsent(error: unknown): boolean;
}
