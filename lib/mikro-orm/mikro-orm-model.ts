import {
  type EntityMetadata,
  type EntityProperty,
  type MetadataStorage,
  Reference,
  ReferenceKind,
  Utils,
} from '@mikro-orm/core';
import {
  deleteAction,
  type EntityModel,
  type EntityReferenceTo,
  type EntityRelation,
  type KeyMember,
} from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';
import { isInitialized } from './is-initialized.js';

const TO_ONE: ReadonlySet<string> = new Set([ReferenceKind.MANY_TO_ONE, ReferenceKind.ONE_TO_ONE]);

const models = new WeakMap<EntityMetadata, MikroOrmModel>();

/** What MikroORM knows about an entity. */
export class MikroOrmModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly key: readonly KeyMember[];

  private constructor(
    readonly metadata: EntityMetadata,
    private readonly storage: MetadataStorage,
    private readonly dataSource: string,
  ) {
    // Entities of one inheritance tree share their rows.
    this.tagName = tagNameIn(dataSource, metadata.root.className);
    this.key = metadata.primaryKeys.map((name) => {
      const { columnTypes } = metadata.properties[name as never] as EntityProperty;
      return { name, text: columnTypes.includes('uuid') ? 'lowerCase' : 'asIs' };
    });
    const listed = metadata.uniques.map(({ properties }) => [properties].flat() as string[]);
    const single = metadata.props.filter(({ unique }) => unique === true).map(({ name }) => [name]);
    this.uniqueKeys = [metadata.primaryKeys, ...single, ...listed];
  }

  static of(metadata: EntityMetadata, storage: MetadataStorage, dataSource: string): MikroOrmModel {
    const model = models.get(metadata) ?? new MikroOrmModel(metadata, storage, dataSource);
    models.set(metadata, model);
    return model;
  }

  get relations(): readonly EntityRelation<MikroOrmModel>[] {
    return this.metadata.relations.flatMap((property) => {
      const { name, kind, owner, targetMeta } = property;
      // MikroORM's types say that every property has one.
      const pivotEntity = property.pivotEntity as unknown;
      if (targetMeta === undefined) return [];
      const isOwn = TO_ONE.has(kind) && (kind === ReferenceKind.MANY_TO_ONE || owner);
      return {
        name,
        target: this.#other(targetMeta),
        through: pivotEntity === undefined ? undefined : this.ofEntity(pivotEntity),
        isOwn,
        // A key that is null is read with the row itself: no related row can change that.
        valueIn: (row) => {
          const value = loadedIn(row, name);
          return value === null && isOwn ? undefined : value;
        },
      };
    });
  }

  get references(): readonly EntityReferenceTo[] {
    return this.metadata.relations.flatMap(({ kind, owner, targetMeta, deleteRule }) =>
      targetMeta !== undefined && TO_ONE.has(kind) && (kind === ReferenceKind.MANY_TO_ONE || owner)
        ? [{ target: this.#other(targetMeta), onDelete: deleteAction(deleteRule) }]
        : [],
    );
  }

  ofRow(row: object): EntityModel {
    const metadata = Utils.isEntity(row) ? this.storage.find(row.constructor as never) : undefined;
    return metadata === undefined ? this : this.#other(metadata);
  }

  /** Whether a list in a condition on a member means "one of these". */
  isScalar(member: string): boolean {
    const property = this.metadata.properties[member as never];
    return property !== undefined && property.array !== true && !/json|\[\]/.test(property.columnTypes.join());
  }

  ofEntity(entity: unknown): MikroOrmModel | undefined {
    const metadata = this.storage.find(entity as never);
    return metadata && this.#other(metadata);
  }

  #other(metadata: EntityMetadata): MikroOrmModel {
    return MikroOrmModel.of(metadata, this.storage, this.dataSource);
  }
}

/** Related rows that were read; undefined for those of which a row has only the key. */
function loadedIn(row: object, name: string): unknown {
  const value: unknown = Reflect.get(row, name);
  if (Utils.isCollection(value)) return value.isInitialized() ? value.getItems(false) : undefined;
  const unwrapped: unknown = Reference.unwrapReference(value as object);
  return typeof unwrapped === 'object' && unwrapped !== null && !isInitialized(unwrapped) ? undefined : unwrapped;
}
