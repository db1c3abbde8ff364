import type { EntityMetadata } from 'typeorm';

type Conditions = Readonly<Record<string, unknown>>;

/** The entities on whose rows it depends which rows match: those that conditions or an order reach by relations. */
export function entitiesReached(metadata: EntityMetadata, options: Conditions): ReadonlySet<EntityMetadata> {
  const reached = new Set<EntityMetadata>();
  const { where, order } = options;
  for (const each of Array.isArray(where) ? where : [where]) reach(reached, metadata, each);
  reach(reached, metadata, order);
  return reached;
}

function reach(reached: Set<EntityMetadata>, metadata: EntityMetadata, conditions: unknown, path = ''): void {
  if (typeof conditions !== 'object' || conditions === null) return;
  for (const [name, inner] of Object.entries(conditions as Conditions)) {
    const relation = metadata.findRelationWithPropertyPath(path + name);
    if (relation === undefined) {
      if (metadata.findEmbeddedWithPropertyPath(path + name)) reach(reached, metadata, inner, `${path}${name}.`);
      continue;
    }
    reached.add(relation.inverseEntityMetadata);
    if (relation.junctionEntityMetadata !== undefined) reached.add(relation.junctionEntityMetadata);
    reach(reached, relation.inverseEntityMetadata, inner);
  }
}

/** Whether conditions name one row: by the primary key, or by columns that are unique. No other row can come to match. */
export function isByUniqueColumns(metadata: EntityMetadata, where: unknown): boolean {
  if (typeof where !== 'object' || where === null || Array.isArray(where)) return false;
  const conditions = where as Conditions;
  const keys = [
    metadata.primaryColumns,
    ...metadata.uniques.map(({ columns }) => columns),
    ...metadata.indices.filter((index) => index.isUnique && index.where === undefined).map(({ columns }) => columns),
  ];
  return keys.some(
    (columns) => columns.length > 0 && columns.every(({ propertyPath }) => isOneValue(conditions[propertyPath])),
  );
}

function isOneValue(value: unknown): boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) || value instanceof Date;
}
