import { keyOf } from './key.js';

/** What a key was made from. */
export interface KeyOrigin {
  readonly args: readonly unknown[];
  /** Undefined for none. */
  readonly context: unknown;
}

/**
 * The arguments and the context that are written in a key. Undefined where the key does not hold them: it is hashed, or
 * an argument is of a kind that is not plain data. Making the key again from the answer is the proof that it is right.
 */
export function argumentsOfKey(prefix: string, job: string, key: string): KeyOrigin | undefined {
  if (!key.startsWith(prefix)) return undefined;
  try {
    const text = new KeyText(key.slice(prefix.length));
    const context = text.takes('<') ? text.value() : undefined;
    if (context !== undefined) text.expect('>');
    const args = text.list('');
    return keyOf(prefix, job, args, context) === key ? { args, context } : undefined;
  } catch {
    return undefined;
  }
}

const WORDS = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['undefined', undefined],
]);
const STRING = /"(?:[^"\\]|\\.)*"/y;
const BIGINT = /-?\d+(?=n)/y;
const NUMBER = /-?(?:Infinity|\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN/y;
const DATE = /Date\(([^)]*)\)/y;
const WORD = /null|true|false|undefined/y;

class NotPlain extends Error {}

/** Reads the canonical text of arguments from the left to the right. Throws where it is not plain data. */
class KeyText {
  #at = 0;

  constructor(private readonly text: string) {}

  takes(sign: string): boolean {
    if (!this.text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  expect(sign: string): void {
    if (!this.takes(sign)) throw new NotPlain();
  }

  /** Values with commas between them, up to a sign, or up to the end. */
  list(end: string): unknown[] {
    const values: unknown[] = [];
    while (!this.#ends(end)) {
      if (values.length > 0) this.expect(',');
      values.push(this.value());
    }
    return values;
  }

  value(): unknown {
    if (this.takes('[')) return this.list(']');
    if (this.takes('{')) return this.#fields();
    const string = this.#match(STRING);
    if (string !== undefined) return JSON.parse(string[0]);
    const date = this.#match(DATE);
    if (date !== undefined) return new Date(String(date[1]));
    const bigint = this.#match(BIGINT);
    if (bigint !== undefined) {
      this.expect('n');
      return BigInt(bigint[0]);
    }
    const number = this.#match(NUMBER);
    if (number !== undefined) return Number(number[0]);
    const word = this.#match(WORD);
    if (word !== undefined) return WORDS.get(word[0]);
    throw new NotPlain();
  }

  #ends(end: string): boolean {
    return end === '' ? this.#at === this.text.length : this.takes(end);
  }

  #fields(): Record<string, unknown> {
    const fields: [string, unknown][] = [];
    while (!this.takes('}')) {
      if (fields.length > 0) this.expect(',');
      const name = this.#match(STRING);
      if (name === undefined) throw new NotPlain();
      this.expect(':');
      fields.push([JSON.parse(name[0]) as string, this.value()]);
    }
    // Not by assignment, which would set the prototype for a member called __proto__.
    return Object.fromEntries(fields);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text) ?? undefined;
    if (found !== undefined) this.#at = pattern.lastIndex;
    return found;
  }
}
