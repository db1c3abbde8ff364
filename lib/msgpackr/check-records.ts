import { DEEPEST } from '../core/value/deepest.js';
import { tooDeep } from './shallow.js';

const RECORD_DEFINITION = 0x72;

/**
 * Walks stored bytes before msgpackr sees them and throws unless they are what this package writes: numbers, texts,
 * arrays and records, complete and nothing more, and not nested too deeply. msgpackr alone would also follow extensions, which any other package
 * in the process may have registered, and reads a record that was never defined as a number.
 * Returns how many shapes of records the bytes define.
 */
export function checkRecords(bytes: Buffer): number {
  const fieldCounts: number[] = [];
  let at = 0;
  let due = 1;
  let shapes = 0;
  /** What is due when the innermost container ends, and when each of those around it does. */
  let end = 0;
  const ends: number[] = [];
  let depth = 0;

  const length = (size: 1 | 2 | 4): number => {
    const value = bytes.readUIntBE(at, size);
    at += size;
    return value;
  };

  /** A container begins whose members are due next. */
  const open = (count: number): void => {
    while (due < end) end = ends[--depth] as number;
    if (depth === DEEPEST) throw tooDeep();
    ends[depth++] = end;
    end = due;
    due += count;
  };

  const skip = (count: number): void => {
    at += count;
  };

  const skipText = (token: number): void => {
    if (token >= 0xa0 && token < 0xc0) skip(token - 0xa0);
    else if (token === 0xd9) skip(length(1));
    else if (token === 0xda) skip(length(2));
    else if (token === 0xdb) skip(length(4));
    else throw new TypeError(`Token ${token} at ${at}`);
  };

  const define = (): void => {
    if (bytes[at++] !== RECORD_DEFINITION) throw new TypeError(`Extension at ${at}`);
    const id = length(1);
    if (id < 0x40 || id >= 0x80) throw new TypeError(`Record ${id} at ${at}`);
    const header = length(1);
    const count = header >= 0x90 && header < 0xa0 ? header - 0x90 : header === 0xdc ? length(2) : -1;
    if (count < 0 || count > bytes.length - at) throw new TypeError(`Record definition at ${at}`);
    for (let field = 0; field < count; field++) skipText(length(1));
    fieldCounts[id] = count;
    open(count);
    shapes++;
  };

  while (due > 0) {
    // Everything takes at least one byte, so a small header cannot ask for more than there is.
    if (due > bytes.length - at) throw new TypeError(`Cut off at ${at}`);
    due--;
    const token = bytes[at++] as number;
    if (token < 0x40 || token >= 0xe0) continue;
    if (token < 0x80) {
      const count = fieldCounts[token];
      if (count === undefined) throw new TypeError(`Record ${token} at ${at} is not defined`);
      open(count);
    } else if (token >= 0x90 && token < 0xa0) open(token - 0x90);
    else if (token >= 0xa0 && token < 0xc0) skip(token - 0xa0);
    else if (token === 0xc0 || token === 0xc2 || token === 0xc3) continue;
    else if (token === 0xcb) skip(8);
    else if (token === 0xcc || token === 0xd0) skip(1);
    else if (token === 0xcd || token === 0xd1) skip(2);
    else if (token === 0xce || token === 0xd2) skip(4);
    else if (token === 0xdc) open(length(2));
    else if (token === 0xdd) open(length(4));
    else if (token === 0xd4) define();
    else skipText(token);
  }
  if (at !== bytes.length) throw new TypeError(`${bytes.length - at} bytes left over`);
  return shapes;
}
