import {
  deleteAction,
  type EntityModel,
  type EntityReferenceTo,
  type EntityRelation,
  type KeyMember,
} from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';
import type { ModelText, RelationText } from './schema-text.js';

/** What Prisma keeps of a field at run time. */
export interface RuntimeField {
  readonly name: string;
  readonly kind: string;
  readonly type: string;
}

/** The models of a client, by their names in the schema. */
export type DataModel = ReadonlyMap<string, PrismaModel>;

export interface PrismaRelation extends EntityRelation, RelationText {
  readonly target: PrismaModel;
}

type Row = Readonly<Record<string, unknown>>;

/** What a client knows about a model. */
export class PrismaModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Keys of several fields, by what conditions call them. */
  readonly compoundKeys: ReadonlyMap<string, readonly string[]>;
  readonly key: readonly KeyMember[];

  /** @param text undefined when the schema could not be read: no row is told from another then. */
  constructor(
    readonly name: string,
    dataSource: string,
    private readonly fields: readonly RuntimeField[],
    private readonly text: ModelText | undefined,
    private readonly models: DataModel,
  ) {
    this.tagName = tagNameIn(dataSource, name);
    const keys = [...(text?.uniques ?? [])];
    this.uniqueKeys = keys.map(([, members]) => members);
    this.compoundKeys = new Map(keys.filter(([, members]) => members.length > 1));
    this.key = (text?.id ?? []).map((name) => ({ name, text: text?.plainIds.get(name) }));
  }

  get relations(): readonly PrismaRelation[] {
    return this.fields.flatMap(({ name, kind, type }) => {
      // A field of a composite type has an object in it as well, which is no row.
      const target = kind === 'object' ? this.models.get(type) : undefined;
      if (target === undefined) return [];
      const text = this.text?.relations.get(name) ?? UNKNOWN;
      return [{ name, target, isOwn: text.fields.length > 0, ...text }];
    });
  }

  get references(): readonly EntityReferenceTo[] {
    return this.relations
      .filter(({ isOwn }) => isOwn)
      .map(({ target, onDelete }) => ({ target, onDelete: deleteAction(onDelete) }));
  }

  relation(name: string): PrismaRelation | undefined {
    return this.relations.find((relation) => relation.name === name);
  }

  /** The type of a field that is no relation. */
  typeOf(field: string): string | undefined {
    return this.fields.find(({ name }) => name === field)?.type;
  }

  /** Conditions with the fields of a compound key beside the others, as `{ name_age: { name, age } }` means them. */
  flat(where: unknown): Row {
    if (!isRow(where)) return {};
    const inner = [...this.compoundKeys.keys()].map((name) => where[name]).filter(isRow);
    return Object.assign({}, where, ...inner) as Row;
  }

  /**
   * What conditions say of the id of a row. Not of an id that is a text: the database may find `ann` by `Ann`, and only
   * the row says how it is written.
   */
  idIn(where: unknown): Row {
    const conditions = this.flat(where);
    const known = this.key.filter(({ name, text }) => typeof conditions[name] !== 'string' || text === 'lowerCase');
    return Object.fromEntries(known.map(({ name }) => [name, conditions[name]]));
  }
}

/** A relation that could not be found in the text. */
const UNKNOWN: RelationText = { fields: [], references: [], onDelete: 'NoAction', onUpdate: 'NoAction', isList: false };

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}
