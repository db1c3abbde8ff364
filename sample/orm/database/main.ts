import pg from 'pg';
import { databaseUrl } from '../feature.options.js';
import { loadCities } from './load-cities.js';

const client = new pg.Client(databaseUrl);
await client.connect();
const { countries, divisions, cities } = await loadCities(client);
await client.end();
console.log(`Loaded ${cities} cities, ${divisions} divisions, ${countries} countries`);
