import type { EntityMetadata, ObjectLiteral } from 'typeorm';
import type { RelationMetadata } from 'typeorm/metadata/RelationMetadata.js';
import { TagNames } from '../orm/tag-names.js';

/** Beyond this many rows an entry depends on whole entities: each tag costs the store a member of an index. */
const MOST_ROWS = 100;

/** Types of primary columns whose values are written as text in one way only. */
const PLAIN_IDS: ReadonlySet<unknown> = new Set([
  Number,
  String,
  'int',
  'int2',
  'int4',
  'int8',
  'integer',
  'smallint',
  'bigint',
  'varchar',
  'character varying',
  'text',
  'uuid',
]);

/** The tags of the entities of one data source, of what is read and of what is written. */
export class EntityTags {
  /** @param dataSource its name: a part of the tags, unless it is the default one. */
  constructor(private readonly dataSource: string) {}

  /** Entities of one inheritance tree share their rows, so they share their tags. */
  namesOf({ parentEntityMetadata, name }: EntityMetadata): TagNames {
    // TypeORM leaves it undefined for an entity without a parent, whatever its type says.
    const parent = parentEntityMetadata as EntityMetadata | undefined;
    if (parent !== undefined) return this.namesOf(parent);
    return new TagNames(this.dataSource === 'default' ? name : `${this.dataSource}.${name}`);
  }

  /** The id as it is written in a tag; undefined when it is not known, or not written in one way only. */
  idOf(metadata: EntityMetadata, row: ObjectLiteral | undefined): string | undefined {
    const { primaryColumns } = metadata;
    if (row === undefined || primaryColumns.length === 0) return undefined;
    const parts = primaryColumns.map((column) => {
      const value: unknown = column.getEntityValue(row);
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
      if (!isPlain || !PLAIN_IDS.has(column.type)) return undefined;
      return column.type === 'uuid' ? String(value).toLowerCase() : String(value);
    });
    return parts.includes(undefined) ? undefined : parts.join(',');
  }

  /** The tags of a write of one row, or of unknown rows. */
  written(metadata: EntityMetadata, row: ObjectLiteral | undefined): readonly string[] {
    return this.namesOf(metadata).written(this.idOf(metadata, row));
  }

  /** The tags of what the database itself changes when rows are deleted, which the ORM is not told. */
  cascaded(metadata: EntityMetadata, met = new Set<EntityMetadata>()): readonly string[] {
    if (met.has(metadata)) return [];
    met.add(metadata);
    return metadata.dataSource.entityMetadatas.flatMap((other) =>
      other.foreignKeys
        .filter(({ referencedEntityMetadata }) => this.#isSameTable(referencedEntityMetadata, metadata))
        .flatMap(({ onDelete = 'NO ACTION' }) => {
          if (onDelete === 'NO ACTION' || onDelete === 'RESTRICT') return [];
          const own = [this.namesOf(other).entity];
          return onDelete === 'CASCADE' ? [...own, ...this.cascaded(other, met)] : own;
        }),
    );
  }

  /** The tags of rows that were read, and of the rows that they include. */
  readonly rowsOf = (metadata: EntityMetadata, rows: readonly unknown[]): readonly string[] => {
    const tags = new Set<string>();
    const ids = new Set<string>();
    for (const row of rows) this.#addRow(tags, ids, metadata, row);
    return [...tags, ...ids];
  };

  #addRow(tags: Set<string>, ids: Set<string>, declared: EntityMetadata, row: unknown): void {
    const metadata = metadataOfRow(declared, row);
    const names = this.namesOf(metadata);
    tags.add(names.entity);
    const id = isRow(row) ? this.idOf(metadata, row) : undefined;
    if (id === undefined || ids.size >= MOST_ROWS) tags.add(names.anyRow);
    else ids.add(names.row(id));
    if (!isRow(row)) return;
    for (const relation of metadata.relations) this.#addRelated(tags, ids, relation, relation.getEntityValue(row));
  }

  #addRelated(tags: Set<string>, ids: Set<string>, relation: RelationMetadata, value: unknown): void {
    if (value === undefined) return;
    const { inverseEntityMetadata: related, junctionEntityMetadata: junction } = relation;
    // Which row it is says a column of the row itself. Otherwise a write of any related row may change which they are.
    const isOwn = (relation.isManyToOne || relation.isOneToOneOwner) && value !== null;
    if (!isOwn) for (const tag of this.dependingOn(related)) tags.add(tag);
    if (junction !== undefined) for (const tag of this.dependingOn(junction)) tags.add(tag);
    const rows: unknown[] = Array.isArray(value) ? value : value === null ? [] : [value];
    for (const row of rows) this.#addRow(tags, ids, related, row);
  }

  /** The tags of a read that any row of the entity may come to match. */
  dependingOn(metadata: EntityMetadata): readonly string[] {
    const { entity, anyRow } = this.namesOf(metadata);
    return [entity, anyRow];
  }

  #isSameTable(one: EntityMetadata, other: EntityMetadata): boolean {
    return this.namesOf(one).entity === this.namesOf(other).entity;
  }
}

/** With inheritance a row may be of a class below the one that was asked for, which has more relations. */
function metadataOfRow(declared: EntityMetadata, row: unknown): EntityMetadata {
  const cls: unknown = isRow(row) ? row.constructor : undefined;
  return declared.childEntityMetadatas.find(({ target }) => target === cls) ?? declared;
}

function isRow(row: unknown): row is ObjectLiteral {
  return typeof row === 'object' && row !== null;
}
