/** The tables of both samples. TypeORM and Prisma map them and make none of their own. */
export const TABLES = `
  CREATE TABLE country (
    code text PRIMARY KEY,
    name text NOT NULL
  );
  CREATE TABLE division (
    id text PRIMARY KEY,
    code text NOT NULL,
    country_code text NOT NULL REFERENCES country
  );
  CREATE TABLE city (
    id integer PRIMARY KEY,
    name text NOT NULL,
    population integer NOT NULL,
    latitude numeric(8, 5) NOT NULL,
    longitude numeric(8, 5) NOT NULL,
    updated_at timestamptz(3) NOT NULL DEFAULT now(),
    country_code text NOT NULL REFERENCES country,
    division_id text REFERENCES division
  );
`;

/** Made after the rows, which is faster. */
export const INDEXES = `
  CREATE INDEX division_by_country ON division (country_code);
  CREATE INDEX city_by_country ON city (country_code, population DESC);
  CREATE INDEX city_by_division ON city (division_id);
  ANALYZE;
`;
