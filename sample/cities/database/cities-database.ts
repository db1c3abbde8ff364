export interface Statement {
  /** What the query log calls it. */
  readonly name: string;
  readonly sql: string;
}

export type Parameters = Readonly<Record<`$${string}`, string | number>>;

export interface LoggedQuery {
  readonly statement: string;
  readonly parameters: Parameters;
  /** The process that asked. */
  readonly client: string;
  /** Milliseconds since 1970. */
  readonly askedAt: number;
  /** Missing while it waits or runs. */
  answeredAt?: number;
  /** The time that the database worked on it, without the wait for its turn. Missing if it failed. */
  milliseconds?: number;
}

/**
 * The database, as the reports see it. It answers one query after the other, like a database that has one core to
 * itself, so a query waits while another one runs.
 */
export abstract class CitiesDatabase {
  abstract query<Row>(statement: Statement, parameters?: Parameters): Promise<Row[]>;
}
