import type { EntityModel, KeyText } from './entity-model.js';

const AS_IS = /^(?:pg)?(?:(?:small|big)?(?:int|integer|serial)\d*|number|string|text|varchar|character varying)$/i;
const LOWER_CASE = /^(?:pg)?uuid(?:v\d)?$/i;

/** How values of a type are written, by what an ORM or PostgreSQL calls the type. */
export function keyText(type: string): KeyText {
  if (LOWER_CASE.test(type)) return 'lowerCase';
  return AS_IS.test(type) ? 'asIs' : undefined;
}

/** The primary key of a row as text; undefined when it is not known, or has more than one text. */
export function rowId({ key }: EntityModel, row: object): string | undefined {
  const parts = key.map((member) => {
    const { name, text } = member;
    const value: unknown = member.valueIn === undefined ? Reflect.get(row, name) : member.valueIn(row);
    const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
    if (!isPlain || text === undefined) return undefined;
    return text === 'lowerCase' ? String(value).toLowerCase() : String(value);
  });
  return parts.length === 0 || parts.includes(undefined) ? undefined : parts.join(',');
}

/** The text of an id that was given by itself, or as an object with the members of the key. */
export function idText(model: EntityModel, id: unknown): string | undefined {
  return rowId(model, typeof id === 'object' && id !== null ? id : { [model.key[0]?.name ?? '']: id });
}
