import { types, inspect } from 'node:util';

const LONGEST = 20_000;
const LONGEST_STRING = 5_000;
const MOST_MEMBERS = 100;
const MOST_NODES = 2_000;
const DEEPEST = 6;

export interface ShownValue {
  readonly text: string;
  /** Whether a part of the value is left out. */
  readonly isCut: boolean;
}

/**
 * A value as text, cut where it is long. Runs no code of the value: neither getters nor an `inspect` of its own. Costs as
 * much as what is shown, whatever the size of the value.
 */
export function shownValue(value: unknown): ShownValue {
  const beginning = new Beginning();
  const text = inspect(beginning.of(value, 0), { customInspect: false, depth: DEEPEST, breakLength: 90 });
  if (text.length <= LONGEST) return { text, isCut: beginning.isCut };
  return { text: `${text.slice(0, LONGEST)}…`, isCut: true };
}

/** Copies the beginning of a value, since `inspect` would walk through every member of a large object. */
class Beginning {
  isCut = false;
  #nodes = 0;

  of(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    this.#nodes++;
    if (this.#nodes > MOST_NODES || depth > DEEPEST) return this.#cut('…');
    const inner = (part: unknown): unknown => this.of(part, depth + 1);
    if (Array.isArray(value)) return this.#first(value).map(inner);
    if (types.isMap(value)) return new Map(this.#first(value).map(([key, part]) => [inner(key), inner(part)]));
    if (types.isSet(value)) return new Set(this.#first(value).map(inner));
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return this.#bytes(value);
    if (types.isDate(value) || types.isRegExp(value) || types.isBoxedPrimitive(value)) return value;
    if (types.isNativeError(value)) return this.#text(`${value.name}: ${value.message}`);
    return this.#members(value, inner);
  }

  #members(value: object, inner: (part: unknown) => unknown): object {
    const copy = Object.create(Object.getPrototypeOf(value) as object | null) as object;
    let count = 0;
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue;
      if (++count > MOST_MEMBERS) {
        this.isCut = true;
        break;
      }
      const own = Object.getOwnPropertyDescriptor(value, name);
      const part = own !== undefined && 'value' in own ? inner(own.value) : '[getter]';
      Object.defineProperty(copy, name, { value: part, enumerable: true });
    }
    return copy;
  }

  #first<Part>(parts: Iterable<Part>): Part[] {
    const first: Part[] = [];
    for (const part of parts) {
      if (first.length === MOST_MEMBERS) {
        this.isCut = true;
        break;
      }
      first.push(part);
    }
    return first;
  }

  #text(text: string): string {
    return text.length <= LONGEST_STRING ? text : this.#cut(`${text.slice(0, LONGEST_STRING)}…`);
  }

  #bytes({ byteLength }: { readonly byteLength: number }): string {
    return this.#cut(`${String(byteLength)} bytes`);
  }

  #cut(text: string): string {
    this.isCut = true;
    return text;
  }
}
