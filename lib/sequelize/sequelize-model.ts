import type { Model, ModelStatic } from 'sequelize';
import {
  deleteAction,
  type EntityModel,
  type EntityReferenceTo,
  type EntityRelation,
  type KeyMember,
} from '../orm/entity-model.js';
import { tagNameIn } from '../orm/orm.js';
import { keyText } from '../orm/row-id.js';

type Attributes = Readonly<Record<string, { readonly type?: unknown } | undefined>>;

/** What Sequelize keeps on a model and leaves out of its types. */
interface Inside {
  readonly uniqueKeys: Readonly<Record<string, { readonly fields: readonly string[] }>>;
  readonly fieldAttributeMap: Readonly<Record<string, string>>;
  readonly _indexes: readonly { readonly unique?: boolean; readonly where?: object; readonly fields: unknown[] }[];
}

const models = new WeakMap<ModelStatic<Model>, SequelizeModel>();

/** What Sequelize knows about a model. */
export class SequelizeModel implements EntityModel {
  readonly tagName: string;
  readonly uniqueKeys: readonly (readonly string[])[];
  readonly key: readonly KeyMember[];

  private constructor(
    readonly model: ModelStatic<Model>,
    private readonly dataSource: string,
  ) {
    this.tagName = tagNameIn(dataSource, model.name);
    const { uniqueKeys, _indexes: indexes, fieldAttributeMap } = model as unknown as Inside;
    const columns = [
      ...Object.values(uniqueKeys).map(({ fields }) => fields),
      ...indexes.filter(({ unique, where }) => unique === true && where === undefined).map(({ fields }) => fields),
    ];
    const attribute = (column: unknown): string => fieldAttributeMap[String(column)] ?? String(column);
    const attributes: Attributes = model.getAttributes();
    this.key = model.primaryKeyAttributes.map((name) => ({ name, text: keyText(keyOfType(attributes[name]?.type)) }));
    this.uniqueKeys = [model.primaryKeyAttributes, ...columns.map((each) => each.map(attribute))];
  }

  /** Of a model, or of one that Sequelize derived from it: `scope` and `schema` make classes of the same name. */
  static of(model: ModelStatic<Model>, dataSource: string): SequelizeModel {
    const base = model.sequelize?.models[model.name] ?? model;
    const described = models.get(base) ?? new SequelizeModel(base, dataSource);
    models.set(base, described);
    return described;
  }

  get relations(): readonly EntityRelation<SequelizeModel>[] {
    return Object.values(this.model.associations).map((association) => ({
      name: association.as,
      target: this.#other(association.target),
      through: throughOf(association, this.dataSource),
      isOwn: association.associationType === 'BelongsTo',
    }));
  }

  get references(): readonly EntityReferenceTo[] {
    return Object.values(this.model.getAttributes()).flatMap(({ references, onDelete }) => {
      const to = typeof references === 'string' ? references : references?.model;
      const table = typeof to === 'object' && 'tableName' in to ? to.tableName : to;
      const target = Object.values(this.model.sequelize?.models ?? {}).find((each) => each.tableName === table);
      return target === undefined ? [] : [{ target: this.#other(target), onDelete: deleteAction(onDelete) }];
    });
  }

  /** Whether a list in a condition on an attribute means "one of these". */
  isScalar(attribute: string): boolean {
    const { type } = (this.model.getAttributes() as Attributes)[attribute] ?? {};
    return type !== undefined && !['ARRAY', 'RANGE', 'JSON', 'JSONB'].includes(keyOfType(type));
  }

  #other(model: ModelStatic<Model>): SequelizeModel {
    return SequelizeModel.of(model, this.dataSource);
  }
}

function keyOfType(type: unknown): string {
  return String((type as { readonly key?: unknown } | undefined)?.key);
}

function throughOf(association: object, dataSource: string): EntityModel | undefined {
  const { through } = association as { readonly through?: { readonly model?: ModelStatic<Model> } };
  return through?.model && SequelizeModel.of(through.model, dataSource);
}
