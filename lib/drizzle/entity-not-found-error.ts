/** There is no row for a `get`. Drizzle has no such error of its own. It is not cached. */
export class EntityNotFoundError extends Error {
  static {
    this.prototype.name = 'EntityNotFoundError';
  }

  /** @param table its name in `db.query`. */
  constructor(readonly table: string) {
    super(`No row of ${table} matches`);
  }
}
