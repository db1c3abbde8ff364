import type { EntityModel, EntityRelation } from './entity-model.js';
import { rowId } from './row-id.js';
import { TagNames } from './tag-names.js';

/** Beyond this many rows an entry depends on whole entities: each tag costs the store a member of an index. */
const MOST_ROWS = 100;

/** The tags of a read that any row of the entity may come to match. */
export function tagsOfAnyRow({ tagName }: EntityModel): readonly string[] {
  const { entity, anyRow } = new TagNames(tagName);
  return [entity, anyRow];
}

/** The tags of a write of one row, or of unknown rows. */
export function tagsOfWrite({ tagName }: EntityModel, id: string | undefined): readonly string[] {
  return new TagNames(tagName).written(id);
}

/** The tags of what the database itself changes when rows are deleted, which the ORM is not told. */
export function tagsOfCascades(
  model: EntityModel,
  models: Iterable<EntityModel>,
  met = new Set<EntityModel>(),
): readonly string[] {
  if (met.has(model)) return [];
  met.add(model);
  const all = [...models];
  return all.flatMap((other) =>
    other.references
      .filter(({ target, onDelete }) => target.tagName === model.tagName && onDelete !== undefined)
      .flatMap(({ onDelete }) => {
        const own = [new TagNames(other.tagName).entity];
        return onDelete === 'delete' ? [...own, ...tagsOfCascades(other, all, met)] : own;
      }),
  );
}

/** The tags of rows that were read, and of the rows that they include. */
export function tagsOfRows(model: EntityModel, rows: readonly unknown[]): readonly string[] {
  const collected = new RowTags();
  for (const row of rows) collected.add(model, row);
  return [...collected.tags, ...collected.ids];
}

class RowTags {
  readonly tags = new Set<string>();
  readonly ids = new Set<string>();
  /** Rows of an ORM with an identity map refer to each other in circles. */
  readonly #met = new Set<object>();

  add(declared: EntityModel, row: unknown): void {
    if (isRow(row) && this.#met.has(row)) return;
    const model = isRow(row) ? (declared.ofRow?.(row) ?? declared) : declared;
    const names = new TagNames(model.tagName);
    this.tags.add(names.entity);
    const id = isRow(row) ? rowId(model, row) : undefined;
    if (id === undefined || this.ids.size >= MOST_ROWS) this.tags.add(names.anyRow);
    else this.ids.add(names.row(id));
    if (!isRow(row)) return;
    this.#met.add(row);
    for (const relation of model.relations) this.#addRelated(relation, row);
  }

  #addRelated(relation: EntityRelation, row: object): void {
    const { name, target, through, isOwn } = relation;
    const value: unknown = relation.valueIn === undefined ? Reflect.get(row, name) : relation.valueIn(row);
    if (value === undefined) return;
    if (!isOwn || value === null) this.#addAny(target);
    if (through !== undefined) this.#addAny(through);
    const rows: unknown[] = Array.isArray(value) ? value : value === null ? [] : [value];
    for (const related of rows) this.add(target, related);
  }

  #addAny(model: EntityModel): void {
    for (const tag of tagsOfAnyRow(model)) this.tags.add(tag);
  }
}

function isRow(row: unknown): row is object {
  return typeof row === 'object' && row !== null;
}
