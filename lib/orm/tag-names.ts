const OF_ANY_ROW = ':*';

/**
 * The tags of one entity. Every read that contains its rows has `User`. A read that depends on single rows has
 * `User:1` for each, and a read that another row may come to match has `User:*`.
 */
export class TagNames {
  /** What a write of unknown rows invalidates. */
  readonly entity: string;
  /** What a write of any row invalidates. */
  readonly anyRow: string;

  constructor(entity: string) {
    this.entity = entity;
    this.anyRow = `${entity}${OF_ANY_ROW}`;
  }

  /**
   * The tags of whole entities in the place of those of their rows. With the tag of a written row there is always that of any
   * row of its entity.
   */
  static ofWholeEntities(written: ReadonlySet<string>): Set<string> {
    const all = [...written];
    const entities = all.filter((tag) => tag.endsWith(OF_ANY_ROW)).map((tag) => tag.slice(0, -OF_ANY_ROW.length));
    return new Set([...entities, ...all.filter((tag) => !entities.some((entity) => tag.startsWith(`${entity}:`)))]);
  }

  row(id: string): string {
    return `${this.entity}:${id}`;
  }

  /** What a write invalidates: of a row, if the ORM says which. */
  written(id?: string): readonly string[] {
    return id === undefined ? [this.entity] : [this.row(id), this.anyRow];
  }
}
