import type { Statement } from './database/cities-database.js';

/** `near` lies within $km of `center`: a box that the index knows, then the circle inside it. */
function within(center: string, near: string): string {
  const north = `(${near}.lat - ${center}.lat) * 110.57`;
  const east = `(${near}.lon - ${center}.lon) * ${center}.kmPerLon`;
  return `${near}.lat BETWEEN ${center}.lat - $km / 110.57 AND ${center}.lat + $km / 110.57
    AND ${near}.lon BETWEEN ${center}.lon - $km / ${center}.kmPerLon AND ${center}.lon + $km / ${center}.kmPerLon
    AND pow(${north}, 2) + pow(${east}, 2) <= pow($km, 2)`;
}

export interface CountrySummary {
  readonly country: string;
  readonly cities: number;
  readonly people: number;
  readonly largest: string;
}

/** 135,233 cities, sorted within their countries. */
export const COUNTRIES: Statement = {
  name: 'countries',
  sql: `
    SELECT country, count(*) AS cities, sum(population) AS people, max(name) FILTER (WHERE rank = 1) AS largest
    FROM (SELECT *, row_number() OVER (PARTITION BY country ORDER BY population DESC) AS rank FROM city)
    GROUP BY country
    ORDER BY people DESC`,
};

export interface CrowdedCity {
  readonly id: number;
  readonly name: string;
  readonly population: number;
  /** The number of people within 20 km. */
  readonly peopleAround: number;
}

/** Every city of a country, joined with every city of it that is near. */
export const MOST_CROWDED: Statement = {
  name: 'most crowded',
  sql: `
    SELECT center.id, center.name, center.population, sum(near.population) AS peopleAround
    FROM city AS center
    JOIN city AS near ON near.country = center.country AND ${within('center', 'near')}
    WHERE center.country = $country
    GROUP BY center.id
    ORDER BY peopleAround DESC
    LIMIT 10`,
};

export interface NearbyCity {
  readonly id: number;
  readonly name: string;
  readonly country: string;
  readonly population: number;
  /** How many cities lie within as many kilometres of this one. */
  readonly neighbours: number;
}

/** The cities near one, and for each of these the cities near it: the borders of countries do not matter. */
export const NEARBY: Statement = {
  name: 'nearby',
  sql: `
    SELECT near.id, near.name, near.country, near.population,
      (SELECT count(*) FROM city AS other WHERE ${within('near', 'other')}) AS neighbours
    FROM city AS center
    JOIN city AS near ON ${within('center', 'near')}
    WHERE center.id = $id
    ORDER BY near.population DESC
    LIMIT 20`,
};

export interface City {
  readonly id: number;
  readonly name: string;
  readonly country: string;
  readonly population: number;
}

export const SET_POPULATION: Statement = {
  name: 'set population',
  sql: 'UPDATE city SET population = $population WHERE id = $id RETURNING id, name, country, population',
};

export const CITY_STATEMENTS: readonly Statement[] = [COUNTRIES, MOST_CROWDED, NEARBY, SET_POPULATION];
