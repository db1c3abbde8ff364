/**
 * The objects that a walk through a value has come by, each with what was made of it. Most values are one object, and
 * for that no Map is made.
 */
export class MetObjects<Made> {
  #first: object | undefined;
  #madeOfFirst: Made | undefined;
  #all: Map<object, Made> | undefined;

  of(object: object): Made | undefined {
    if (this.#all !== undefined) return this.#all.get(object);
    return object === this.#first ? this.#madeOfFirst : undefined;
  }

  set(object: object, made: Made): void {
    if (this.#all !== undefined) this.#all.set(object, made);
    else if (this.#first === undefined || this.#first === object) {
      this.#first = object;
      this.#madeOfFirst = made;
    } else {
      this.#all = new Map([[this.#first, this.#madeOfFirst as Made]]);
      this.#all.set(object, made);
    }
  }
}
