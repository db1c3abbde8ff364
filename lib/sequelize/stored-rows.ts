import { Model, type ModelStatic, type Sequelize } from 'sequelize';
import type { StoredForm } from '../orm/entity-source.js';

/** A row without its model class: its values, and the rows that it includes. A raw row has no model. */
interface StoredRow {
  readonly model?: string;
  readonly values: object;
  readonly related?: Readonly<Record<string, StoredRow | readonly StoredRow[] | null>>;
}

interface Stored {
  readonly rows: readonly StoredRow[];
  readonly isList: boolean;
}

/** What Sequelize keeps on a row and leaves out of its types. */
interface Inside {
  dataValues: Record<string, unknown>;
  _previousDataValues: object;
  readonly _options: Record<string, unknown>;
}

/** Rows of Sequelize without their classes, and rows of those again. */
export class StoredRows implements StoredForm {
  /** The rows that readers share, by what is stored of them. */
  readonly #shared = new WeakMap<object, unknown>();

  constructor(private readonly sequelize: Sequelize) {}

  toStored(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    const rows = Array.isArray(value) ? value.map(toStoredRow) : [toStoredRow(value)];
    return { rows, isList: Array.isArray(value) } satisfies Stored;
  }

  fromStored(stored: unknown, readOnly: boolean): unknown {
    if (typeof stored !== 'object' || stored === null) return stored;
    const known = this.#shared.get(stored);
    if (known !== undefined) return known;
    const { rows, isList } = stored as Stored;
    const made = rows.map((row) => this.#rowOf(row, readOnly));
    const value: unknown = isList ? made : made[0];
    if (!readOnly) return value;
    this.#shared.set(stored, Object.freeze(value));
    return value;
  }

  #rowOf({ model: name, values, related = {} }: StoredRow, readOnly: boolean): object {
    const model = name === undefined ? undefined : this.sequelize.models[name];
    if (model === undefined) return { ...values };
    const row = model.build(undefined, { isNewRecord: false, raw: true });
    // As `findAll` leaves it. Setting each value by `build` costs several times as much.
    const inside = row as unknown as Inside;
    inside.dataValues = { ...values };
    const names = Object.keys(related);
    for (const as of names) this.#include(row, as, related[as] ?? null, readOnly);
    inside._previousDataValues = { ...inside.dataValues };
    if (names.length > 0) Object.assign(inside._options, includesOf(model, names));
    if (readOnly) for (const part of [row, ...(Object.values(row) as unknown[])]) Object.freeze(part);
    return row;
  }

  #include(row: Model, as: string, stored: StoredRow | readonly StoredRow[] | null, readOnly: boolean): void {
    let value: unknown = stored;
    if (isList(stored)) value = stored.map((each) => this.#rowOf(each, readOnly));
    else if (stored !== null) value = this.#rowOf(stored, readOnly);
    if (readOnly) Object.freeze(value);
    (row as unknown as Inside).dataValues[as] = value;
    Reflect.set(row, as, value);
  }
}

function toStoredRow(row: unknown): StoredRow {
  if (!(row instanceof Model)) return { values: row as object };
  const values: Record<string, unknown> = {};
  const related: Record<string, StoredRow | readonly StoredRow[] | null> = {};
  const { includeNames = [] } = (row as unknown as Inside)._options as { readonly includeNames?: readonly string[] };
  for (const [name, value] of Object.entries(row.dataValues as object) as [string, unknown][]) {
    if (value instanceof Model) related[name] = toStoredRow(value);
    else if (includeNames.includes(name)) related[name] = Array.isArray(value) ? value.map(toStoredRow) : null;
    else values[name] = value;
  }
  const isPlain = Object.keys(related).length === 0;
  return { model: row.constructor.name, values, ...(isPlain ? {} : { related }) };
}

/** `get({ plain: true })` and `toJSON()` look here for what is included. */
function includesOf(model: ModelStatic<Model>, names: readonly string[]): object {
  const include = names.map((as) => ({
    as,
    association: model.associations[as],
    model: model.associations[as]?.target,
  }));
  return { include, includeNames: names, includeMap: Object.fromEntries(include.map((each) => [each.as, each])) };
}

function isList(stored: StoredRow | readonly StoredRow[] | null): stored is readonly StoredRow[] {
  return Array.isArray(stored);
}
