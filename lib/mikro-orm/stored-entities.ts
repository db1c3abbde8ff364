import {
  type EntityMetadata,
  type EntityProperty,
  type MikroORM,
  Reference,
  ReferenceKind,
  Utils,
  wrap,
} from '@mikro-orm/core';
import type { StoredForm } from '../orm/entity-source.js';
import { isInitialized } from './is-initialized.js';
import { ownEntityManager } from './own-entity-manager.js';

interface StoredRow {
  readonly name: string;
  readonly data: object;
  /** What `toObject()` and `toJSON()` show of relations. */
  readonly populate: unknown;
}

interface Stored {
  readonly rows: readonly StoredRow[];
  readonly isList: boolean;
}

/** What MikroORM keeps on an entity and leaves out of its types. */
interface Inside {
  readonly __serializationContext: { populate?: unknown };
}

/**
 * How `find` makes entities, but of members that are converted already. `merge` of an entity manager does the same and then
 * goes through each entity again, which takes a third of its time.
 */
const AS_FOUND = { merge: true, refresh: true, convertCustomTypes: false, recomputeSnapshot: true };

/** Entities as plain data, and entities of those again, in an entity manager of their own. */
export class StoredEntities implements StoredForm {
  /** The entities that readers share, by what is stored of them. */
  readonly #shared = new WeakMap<object, unknown>();

  constructor(private readonly orm: MikroORM) {}

  toStored(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const met = new Set<object>();
    const entities: readonly object[] = Array.isArray(value) ? value : [value];
    const rows = entities.map((entity) => ({
      name: metadataOf(entity).className,
      data: dataOf(entity, met),
      populate: (wrap(entity, true) as Inside).__serializationContext.populate,
    }));
    return { rows, isList: Array.isArray(value) } satisfies Stored;
  }

  fromStored(stored: unknown, readOnly: boolean): unknown {
    if (typeof stored !== 'object' || stored === null) return stored;
    const known = this.#shared.get(stored);
    if (known !== undefined) return known;
    const { rows, isList } = stored as Stored;
    // In the reader's own entity manager they would be what its later reads find, however old they are.
    const em = ownEntityManager(this.orm);
    const metadata = this.orm.getMetadata();
    const factory = em.getEntityFactory();
    const entities = rows.map(({ name, data, populate }) => {
      const { class: type } = metadata.getByClassName(name);
      const entity = factory.create(type, structure(data) as never, AS_FOUND) as object;
      if (populate !== undefined) (wrap(entity, true) as Inside).__serializationContext.populate = populate;
      return entity;
    });
    const value: unknown = isList ? entities : entities[0];
    if (!readOnly) return value;
    for (const entity of em.getUnitOfWork().getIdentityMap()) freeze(entity);
    this.#shared.set(stored, Object.freeze(value));
    return value;
  }
}

/** Members as they are read. A row that was met before is its key: the identity map finds the row. */
function dataOf(entity: object, met: Set<object>): object {
  met.add(entity);
  const data: Record<string, unknown> = {};
  for (const property of metadataOf(entity).props) {
    const value: unknown = Reflect.get(entity, property.name);
    if (value !== undefined) data[property.name] = memberOf(property, value, met);
  }
  return data;
}

function memberOf({ kind, embeddedProps }: EntityProperty, value: unknown, met: Set<object>): unknown {
  if (kind === ReferenceKind.EMBEDDED) return embeddedOf(embeddedProps, value);
  if (Utils.isCollection(value)) {
    const collection = value;
    if (!collection.isInitialized()) return undefined;
    return collection.getItems(false).map((each) => relatedOf(each, met));
  }
  const unwrapped: unknown = Utils.isScalarReference(value)
    ? value.unwrap()
    : Reference.unwrapReference(value as object);
  return Utils.isEntity(unwrapped, true) ? relatedOf(unwrapped, met) : unwrapped;
}

function relatedOf(entity: object, met: Set<object>): unknown {
  return met.has(entity) || !isInitialized(entity) ? wrap(entity, true).getPrimaryKey() : dataOf(entity, met);
}

function embeddedOf(properties: Readonly<Record<string, EntityProperty>>, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => embeddedOf(properties, each));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.values(properties).map(({ embedded, embeddedProps, kind }): [string, unknown] => {
    const name = String(embedded?.[1]);
    const member: unknown = Reflect.get(value, name);
    return [name, kind === ReferenceKind.EMBEDDED ? embeddedOf(embeddedProps, member) : member];
  });
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

/** MikroORM changes the data that it is given. */
function structure(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(structure);
  if (typeof data !== 'object' || data === null || Object.getPrototypeOf(data) !== Object.prototype) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, structure(value)]));
}

function freeze(entity: object): void {
  Object.freeze(Reflect.get(wrap(entity, true), '__data'));
  Object.freeze(entity);
}

function metadataOf(entity: object): EntityMetadata {
  return wrap(entity, true).__meta as EntityMetadata;
}
