import type { EntityMetadata } from 'typeorm';
import {
  deleteAction,
  type EntityModel,
  type EntityReferenceTo,
  type EntityRelation,
  type KeyMember,
} from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';
import { keyText } from '../orm/row-id.js';

const models = new WeakMap<EntityMetadata, TypeOrmModel>();

/** What TypeORM knows about an entity. */
export class TypeOrmModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly key: readonly KeyMember[];

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
    this.key = metadata.primaryColumns.map((column) => ({
      name: column.propertyPath,
      text: keyText(typeof column.type === 'function' ? column.type.name : column.type),
      valueIn: (row) => column.getEntityValue(row) as unknown,
    }));
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

  /** With inheritance a row may be of a class below the one that was asked for, which has more relations. */
  ofRow({ constructor }: object): EntityModel {
    const child = this.metadata.childEntityMetadatas.find(({ target }) => target === constructor);
    return child === undefined ? this : this.#other(child);
  }

  #other(metadata: EntityMetadata): TypeOrmModel {
    return TypeOrmModel.of(metadata, this.dataSource);
  }
}
