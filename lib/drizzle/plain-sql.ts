import { Column, is, Name, Param, Placeholder, SQL, StringChunk, Table } from 'drizzle-orm';
import { isPlainObject, Obstacle } from '../core/value/obstacle.js';
import { mapMembers, sortedSet, within } from '../orm/plain-conditions.js';
import type { DataModel, DrizzleModel } from './drizzle-model.js';

/** Marks plain data that stands for a part of SQL. */
const PART = Symbol.for('nestjs-async-cache sql');

type PlainPart =
  | { readonly [PART]: 'sql'; readonly parts: readonly unknown[] }
  | { readonly [PART]: 'alias'; readonly of: unknown; readonly name: string }
  | { readonly [PART]: 'text' | 'name' | 'table'; readonly text: string }
  | { readonly [PART]: 'column'; readonly table: string; readonly name: string }
  | { readonly [PART]: 'param'; readonly value: unknown; readonly column?: unknown };

/** Arguments of a read with the SQL in them as plain data, by its meaning. Throws an {@link Obstacle} for what has none. */
export function plainQuery(models: DataModel, value: unknown): unknown {
  if (typeof value === 'function') throw new Obstacle('is a function: give the SQL itself, as eq(users.id, 1)');
  if (typeof value !== 'object' || value === null || PART in value) return value;
  const part = plainPart(models, value);
  if (part !== undefined) return part;
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) => within(`[${String(index)}]`, () => plainQuery(models, each)));
  }
  if (!isPlainObject(value)) return value;
  const set = Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
  return mapMembers(set, (member) => plainQuery(models, member));
}

/** The arguments as Drizzle takes them. */
export function queryOf(models: DataModel, plain: unknown): unknown {
  if (Array.isArray(plain)) return plain.map((each) => queryOf(models, each));
  if (typeof plain !== 'object' || plain === null || !isPlainObject(plain)) return plain;
  return PART in plain ? partOf(models, plain as PlainPart) : mapMembers(plain, (member) => queryOf(models, member));
}

function plainPart(models: DataModel, value: object): PlainPart | undefined {
  if (is(value, SQL)) return { [PART]: 'sql', parts: plainParts(models, value.queryChunks) };
  if (is(value, SQL.Aliased)) return { [PART]: 'alias', of: plainPart(models, value.sql), name: value.fieldAlias };
  if (is(value, StringChunk)) return { [PART]: 'text', text: value.value.join('') };
  if (is(value, Name)) return { [PART]: 'name', text: value.value };
  if (is(value, Placeholder)) throw new Obstacle('is a placeholder: give the value');
  if (is(value, Param)) {
    if (value.value === undefined) throw new Obstacle('compares with undefined, which is never true: leave it out');
    const column = is(value.encoder, Column) ? { column: plainPart(models, value.encoder) } : {};
    return { [PART]: 'param', value: plainQuery(models, value.value), ...column };
  }
  if (is(value, Column)) return { [PART]: 'column', table: modelOf(models, value.table).name, name: value.name };
  if (is(value, Table)) return { [PART]: 'table', text: modelOf(models, value).name };
  if ('getSQL' in value) throw new Obstacle('is a query in a query: read it in a job of your own');
  return undefined;
}

function plainParts(models: DataModel, chunks: readonly unknown[]): unknown[] {
  return chunks.map((chunk, index) => {
    if (!Array.isArray(chunk)) return plainQuery(models, chunk);
    const list = chunk.map((each) => plainQuery(models, each));
    const before: unknown = chunks[index - 1];
    const isSet = is(before, StringChunk) && [' in ', ' not in '].includes(before.value.join(''));
    return isSet ? sortedSet(list) : list;
  });
}

function modelOf(models: DataModel, table: Table): DrizzleModel {
  const model = [...models.values()].find((each) => each.table === table);
  if (model === undefined) throw new Obstacle('names a table that is not in the schema of the database, or an alias');
  return model;
}

function partOf(models: DataModel, plain: PlainPart): unknown {
  switch (plain[PART]) {
    case 'sql':
      return new SQL(plain.parts.map((each) => queryOf(models, each)) as SQL['queryChunks']);
    case 'alias':
      return new SQL.Aliased(partOf(models, plain.of as PlainPart) as SQL, plain.name);
    case 'text':
      return new StringChunk(plain.text);
    case 'name':
      return new Name(plain.text);
    case 'table':
      return models.get(plain.text)?.table;
    case 'column':
      return models.get(plain.table)?.column(plain.name);
    case 'param': {
      const encoder = plain.column === undefined ? undefined : (partOf(models, plain.column as PlainPart) as Column);
      return encoder === undefined ? new Param(plain.value) : new Param(plain.value, encoder);
    }
  }
}

/** The tables whose columns are named anywhere in plain arguments. */
export function tablesNamed(plain: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if (PART in value) {
      const part = value as PlainPart;
      if (part[PART] === 'column') found.add(part.table);
      if (part[PART] === 'table') found.add(part.text);
    }
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(plain);
  return found;
}

/** The values with which columns of a table are compared by `=`, all of them joined by `and`; undefined for other SQL. */
export function equalities(model: DrizzleModel, plain: unknown): Readonly<Record<string, unknown>> | undefined {
  const found: (string | { readonly value: unknown })[] = [];
  const text = flatText(plain, model, found).replace(/[()]/g, '');
  const values: Record<string, unknown> = {};
  for (const each of text.split(' and ')) {
    const [, column, value] = /^\s*\0(\d+)\0 = \0(\d+)\0\s*$/.exec(each) ?? [];
    const [member, param] = [found[Number(column)], found[Number(value)]];
    if (typeof member !== 'string' || typeof param !== 'object') return undefined;
    values[member] = param.value;
  }
  return values;
}

function flatText(plain: unknown, model: DrizzleModel, found: (string | { readonly value: unknown })[]): string {
  if (typeof plain !== 'object' || plain === null || !(PART in plain)) return '?';
  const part = plain as PlainPart;
  const mark = (what: string | { readonly value: unknown }): string => `\0${String(found.push(what) - 1)}\0`;
  if (part[PART] === 'sql') return part.parts.map((each) => flatText(each, model, found)).join('');
  if (part[PART] === 'text') return part.text;
  if (part[PART] === 'param') return mark(part);
  const column = part[PART] === 'column' && part.table === model.name ? model.column(part.name) : undefined;
  return column === undefined ? '?' : mark(model.memberOf(column));
}
