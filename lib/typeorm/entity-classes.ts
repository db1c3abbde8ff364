import type { EntityMetadata } from 'typeorm';
import { ConfigurationError } from '../core/errors.js';
import type { ValueTypeOption } from '../core/value/value-types.js';

type Class = new () => object;

/**
 * The classes of which rows of an entity may consist, with all that relations lead to. Throws a
 * {@link ConfigurationError} for a lazy relation, which is a getter that TypeORM puts on each row.
 */
export function entityClasses(metadata: EntityMetadata, dataSource: string): readonly ValueTypeOption[] {
  const met = new Set<EntityMetadata>();
  const collect = (each: EntityMetadata): void => {
    if (met.has(each)) return;
    met.add(each);
    refuseLazy(each);
    for (const { inverseEntityMetadata } of each.relations) collect(inverseEntityMetadata);
    for (const child of each.childEntityMetadatas) collect(child);
  };
  collect(metadata);
  const classes = new Map<unknown, ValueTypeOption>();
  for (const each of met) {
    const embedded = each.allEmbeddeds.map(({ type }) => type);
    for (const target of [each.target, ...embedded]) {
      // An entity of a schema without a class has plain objects for rows.
      if (isClass(target)) classes.set(target, { type: target, name: `${dataSource}.${target.name}` });
    }
  }
  return [...classes.values()];
}

function refuseLazy({ name, lazyRelations }: EntityMetadata): void {
  const [lazy] = lazyRelations;
  if (lazy === undefined) return;
  throw new ConfigurationError(
    `${name} has the lazy relation ${lazy.propertyName}, which no cached row can have`,
    'Make it a relation that reads ask for with `relations`',
  );
}

function isClass(target: unknown): target is Class {
  return typeof target === 'function' && target !== Object;
}
