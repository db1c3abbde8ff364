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
    this.anyRow = `${entity}:*`;
  }

  row(id: string): string {
    return `${this.entity}:${id}`;
  }

  /** What a write invalidates: of a row, if the ORM says which. */
  written(id?: string): readonly string[] {
    return id === undefined ? [this.entity] : [this.row(id), this.anyRow];
  }
}
