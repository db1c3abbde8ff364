import type { EntityMetadata } from 'typeorm';
import { deleteAction, type EntityModel, type EntityReferenceTo, type EntityRelation } from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';

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

const models = new WeakMap<EntityMetadata, TypeOrmModel>();

/** What TypeORM knows about an entity. */
export class TypeOrmModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];

  private constructor(
    readonly metadata: EntityMetadata,
    readonly dataSource: string,
  ) {
    // TypeORM leaves it undefined for an entity without a parent, whatever its type says.
    const parent = metadata.parentEntityMetadata as EntityMetadata | undefined;
    this.tagName =
      parent === undefined ? tagNameIn(dataSource, metadata.name) : TypeOrmModel.of(parent, dataSource).tagName;
    const keys = [
      metadata.primaryColumns,
      ...metadata.uniques.map(({ columns }) => columns),
      ...metadata.indices.filter((index) => index.isUnique && index.where === undefined).map(({ columns }) => columns),
    ];
    this.uniqueKeys = keys.map((columns) => columns.map(({ propertyPath }) => propertyPath));
  }

  /** @param dataSource the name of the data source. */
  static of(metadata: EntityMetadata, dataSource: string): TypeOrmModel {
    const model = models.get(metadata) ?? new TypeOrmModel(metadata, dataSource);
    models.set(metadata, model);
    return model;
  }

  get relations(): readonly EntityRelation[] {
    return this.metadata.relations.map((relation) => ({
      name: relation.propertyPath,
      target: this.#other(relation.inverseEntityMetadata),
      through: relation.junctionEntityMetadata && this.#other(relation.junctionEntityMetadata),
      isOwn: relation.isManyToOne || relation.isOneToOneOwner,
      valueIn: (row) => relation.getEntityValue(row) as unknown,
    }));
  }

  get references(): readonly EntityReferenceTo[] {
    return this.metadata.foreignKeys.map(({ referencedEntityMetadata, onDelete }) => ({
      target: this.#other(referencedEntityMetadata),
      onDelete: deleteAction(onDelete),
    }));
  }

  idOf(row: object): string | undefined {
    const { primaryColumns } = this.metadata;
    const parts = primaryColumns.map((column) => {
      const value: unknown = column.getEntityValue(row);
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
      if (!isPlain || !PLAIN_IDS.has(column.type)) return undefined;
      return column.type === 'uuid' ? String(value).toLowerCase() : String(value);
    });
    return parts.length === 0 || parts.includes(undefined) ? undefined : parts.join(',');
  }

  /** With inheritance a row may be of a class below the one that was asked for, which has more relations. */
  ofRow({ constructor }: object): EntityModel {
    const child = this.metadata.childEntityMetadatas.find(({ target }) => target === constructor);
    return child === undefined ? this : this.#other(child);
  }

  #other(metadata: EntityMetadata): TypeOrmModel {
    return TypeOrmModel.of(metadata, this.dataSource);
  }
}
