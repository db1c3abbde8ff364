type Blank = Record<string, unknown>;
type BlankConstructor = new (isBlank: boolean) => Blank;

/** An object with more members is a hash table, as the engine makes it. */
const MOST_EXACT = 128;

/** How many objects of a constructor V8 makes before it settles how many members they have room for. */
const UNSETTLED = 8;

/** The assignments of each constructor, and what V8 adds to the assignments of all constructors of a chain. */
const ASSIGNMENTS = 8;
const ADDED = 8;

/** Constructors of plain objects, by the number of their members. */
const exact: BlankConstructor[] = [];

/**
 * A plain object without members, with room for so many. An object that is made by `{}` has room for four; further ones
 * would be in a table that grows by three, and beyond sixteen in a hash table, in which a row of twenty columns takes five
 * times as many bytes.
 */
export function blankObject(members: number): Blank {
  return members > MOST_EXACT ? {} : new (exact[members] ??= constructorFor(members))(true);
}

/**
 * Bytes of the places of the members of such an object, beside their values. Objects with very many members are maps by an id,
 * so a place in their hash tables counts with its name.
 */
export function bytesOfPlaces(members: number): number {
  return members * (members > MOST_EXACT ? 80 : 8);
}

/**
 * V8 gives the first objects of a constructor room for what the constructor and those that it extends assign, and for some
 * more. Later objects get room for what the first ones had. Those are filled here: in a copy parents are made before their
 * children and filled after them, so the first objects might have no member yet when V8 looks at them.
 */
function constructorFor(members: number): BlankConstructor {
  let constructor = extending(Function.prototype);
  for (let room = ADDED + ASSIGNMENTS; room < members; room += ASSIGNMENTS) constructor = extending(constructor);
  for (let made = 0; made < UNSETTLED; made++) {
    const object = new constructor(true);
    for (let member = 0; member < members; member++) object[`member${member}`] = undefined;
  }
  return constructor;
}

function extending(parent: object): BlankConstructor {
  function Exact(this: Blank, isBlank: boolean): void {
    if (!isBlank) this.a = this.b = this.c = this.d = this.e = this.f = this.g = this.h = undefined;
  }
  Exact.prototype = Object.prototype;
  return Object.setPrototypeOf(Exact, parent) as BlankConstructor;
}
