/** What a database does to rows that refer to a row which is deleted. Undefined: nothing, or it refuses. */
export type DeleteAction = 'change' | 'delete' | undefined;

/** What an ORM knows about one entity, in words that all ORMs share. There is one object for each entity of a database. */
export interface EntityModel {
  /** Names the entity in tags. Entities that share their rows, as those of one inheritance tree do, share it. */
  readonly tagName: string;
  /** Members that name one row when all of them are given: the primary key, and each unique key. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Made when they are asked for, since entities refer to each other. */
  readonly relations: readonly EntityRelation[];
  /** The entities to which its foreign keys refer. */
  readonly references: readonly EntityReferenceTo[];
  /** The members of the primary key. */
  readonly key: readonly KeyMember[];
  /** The entity of a row that was read as this one, where entities inherit from each other. */
  ofRow?(row: object): EntityModel;
}

/** How values of a member of a key are written: as they are, or in lower case. Undefined: one value has several texts. */
export type KeyText = 'asIs' | 'lowerCase' | undefined;

/** A member of the primary key. */
export interface KeyMember {
  readonly name: string;
  readonly text: KeyText;
  /** *Default:* the member of this name. */
  valueIn?(row: object): unknown;
}

export interface EntityRelation<Model extends EntityModel = EntityModel> {
  /** Its name in conditions, and in rows unless there is `valueIn`. */
  readonly name: string;
  readonly target: Model;
  /** The entity of the links between the two, if there is one. */
  readonly through?: EntityModel | undefined;
  /** A column of the row itself says which row is related. Otherwise a write of any related row may change that. */
  readonly isOwn: boolean;
  /** What a row has there: undefined when it was not read. *Default:* its member of this name. */
  valueIn?(row: object): unknown;
}

export interface EntityReferenceTo {
  readonly target: EntityModel;
  readonly onDelete: DeleteAction;
}

/** How SQL names a delete action. */
export function deleteAction(text: string | undefined): DeleteAction {
  const action = text?.toUpperCase();
  if (action === 'CASCADE') return 'delete';
  return action === 'SET NULL' || action === 'SET DEFAULT' ? 'change' : undefined;
}
