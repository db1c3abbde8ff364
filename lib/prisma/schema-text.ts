/** What the text of a schema says of a relation. */
export interface RelationText {
  /** The fields of this model that point to the other one; empty on the other side. */
  readonly fields: readonly string[];
  readonly references: readonly string[];
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly isList: boolean;
}

/** What the text of a schema says of a model, beside what Prisma keeps at run time. */
export interface ModelText {
  /** The fields of the primary key; empty without one. */
  readonly id: readonly string[];
  /** The fields of each key, the primary one included, by what conditions call it. */
  readonly uniques: ReadonlyMap<string, readonly string[]>;
  /** How values of fields that have one text only are written: as they are, or in lower case. */
  readonly plainIds: ReadonlyMap<string, 'asIs' | 'lowerCase'>;
  readonly relations: ReadonlyMap<string, RelationText>;
}

const MODEL = /^[ \t]*(?:model|view)\s+(\w+)\s*\{(.*?)^[ \t]*\}/gms;
const FIELD = /^[ \t]*(\w+)[ \t]+(\w+)(\[\]|\?)?([^\n]*)$/gm;
const KEY = /@@(id|unique)\s*\(([^\n]*)\)/g;
/** Native types in which the database gives back the text that it was given. */
const PLAIN_STRINGS: ReadonlySet<string | undefined> = new Set([undefined, 'Text', 'VarChar']);

/** Reads keys and relations, which are not in the run-time data model of a client since Prisma 5. */
export function readModels(schema: string): ReadonlyMap<string, ModelText> {
  const models = [...onOneLine(schema).matchAll(MODEL)].map(
    ([, name = '', body = '']) => [name, readModel(body)] as const,
  );
  return new Map(models);
}

function readModel(body: string): ModelText {
  const uniques = new Map<string, readonly string[]>();
  const plainIds = new Map<string, 'asIs' | 'lowerCase'>();
  const relations = new Map<string, RelationText>();
  let id: readonly string[] = [];
  for (const [, name = '', type = '', modifier, attributes = ''] of body.matchAll(FIELD)) {
    if (/(?<!@)@(id|unique)\b/.test(attributes)) uniques.set(name, [name]);
    if (/(?<!@)@id\b/.test(attributes)) id = [name];
    const writing = writingOf(type, /@\w+\.(\w+)/.exec(attributes)?.[1]);
    if (writing !== undefined) plainIds.set(name, writing);
    relations.set(name, readRelation(/@relation\((.*)\)/.exec(attributes)?.[1] ?? '', modifier));
  }
  for (const [, kind, given = ''] of body.matchAll(KEY)) {
    const fields = listIn(given, /^\s*(?:fields:\s*)?\[([^\]]*)\]/);
    uniques.set(/\bname:\s*"(\w+)"/.exec(given)?.[1] ?? fields.join('_'), fields);
    if (kind === 'id') id = fields;
  }
  return { id, uniques, plainIds, relations };
}

function writingOf(type: string, native: string | undefined): 'asIs' | 'lowerCase' | undefined {
  if (type === 'Int' || type === 'BigInt') return 'asIs';
  if (type !== 'String') return undefined;
  if (native === 'Uuid') return 'lowerCase';
  return PLAIN_STRINGS.has(native) ? 'asIs' : undefined;
}

function readRelation(attribute: string, modifier: string | undefined): RelationText {
  const action = (name: string): string | undefined => new RegExp(`\\b${name}:\\s*(\\w+)`).exec(attribute)?.[1];
  return {
    fields: listIn(attribute, /\bfields:\s*\[([^\]]*)\]/),
    references: listIn(attribute, /\breferences:\s*\[([^\]]*)\]/),
    onDelete: action('onDelete') ?? (modifier === '?' ? 'SetNull' : 'Restrict'),
    onUpdate: action('onUpdate') ?? 'Cascade',
    isList: modifier === '[]',
  };
}

function listIn(text: string, pattern: RegExp): string[] {
  const [, list = ''] = pattern.exec(text) ?? [];
  // A field of an index may have a sort order and a length in parentheses.
  return list.replace(/\([^)]*\)/g, '').match(/\w+/g) ?? [];
}

/** Without comments, with each attribute on one line, and with nothing in strings that could be taken for syntax. */
function onOneLine(schema: string): string {
  return schema
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*/g, (part) =>
      part.startsWith('"') ? `"${part.slice(1, -1).replace(/\W/g, '_')}"` : '',
    )
    .replace(/[[(][^\])]*/g, (part) => part.replace(/\n/g, ' '));
}
