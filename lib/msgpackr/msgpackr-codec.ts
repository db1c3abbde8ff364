import { Packr } from 'msgpackr';
import { CorruptEntryError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';
import { ValueTypeRegistry } from '../core/value/value-type-registry.js';
import { shallow } from './shallow.js';
import { checkRecords } from './check-records.js';
import { TreeReader } from './tree-reader.js';
import { TreeWriter } from './tree-writer.js';

/** The first byte of everything stored. A later format takes another letter. Capital letters mark a typed tree. */
const FORMAT = {
  text: 0x6a, // j
  typedText: 0x4a, // J
  records: 0x6d, // m
  typedRecords: 0x4d, // M
} as const;

/** Bytes. Smaller values are read as fast from JSON, which redis-cli can show. */
const SMALLEST_RECORDS = 4_096;
/**
 * Records are used where they are at most this fraction of the JSON. They are then faster to read, unless almost every
 * record has a shape of its own.
 */
const SHORTER = 0.75;
const BYTES_PER_SHAPE = 64;
/** Bytes that a value may take. Longer ones are refused on both ways: one reader of them would hold up all others. */
const LONGEST = 256 * 1_024 * 1_024;
/** Unpaired surrogates have no UTF-8 form, and these names have a meaning to msgpackr. */
const TEXT_ONLY = /\\ud[89a-f][0-9a-f]{2}|"(?:__proto__|__keys__|constructor|toJSON)":/;

/** Turns any portable value into bytes: JSON, or msgpackr's records where they pay, with types on top of either. */
export class MsgpackrCodec implements Codec {
  // Record shapes are written with each value, so values and processes share no state.
  readonly #packr = new Packr({ useRecords: true, maxOwnStructures: 64, structuredClone: false, moreTypes: false });

  /** @param types classes whose instances come back as instances. *Default:* none. */
  constructor(private readonly types = new ValueTypeRegistry()) {}

  /** Takes a time that is linear in the size of the value. */
  encode(value: unknown): Buffer {
    const writer = new TreeWriter(this.types.all);
    const tree = writer.write(value);
    const text = JSON.stringify(tree);
    if (text.length >= SMALLEST_RECORDS && !TEXT_ONLY.test(text)) {
      const packed = this.#packr.pack(tree);
      if (packed.length < text.length * SHORTER && checkRecords(packed) * BYTES_PER_SHAPE < packed.length) {
        return withFormat(writer.typed ? FORMAT.typedRecords : FORMAT.records, packed);
      }
    }
    return withFormat(writer.typed ? FORMAT.typedText : FORMAT.text, Buffer.from(text));
  }

  /** Takes a time that is linear in the length of the bytes. Throws for bytes that are no value. */
  decode(bytes: Buffer): unknown {
    try {
      if (bytes.length > LONGEST) throw new TypeError('It is too long');
      const format: number = bytes[0] ?? 0;
      switch (format) {
        case FORMAT.text:
          return shallow(parse(bytes), bytes.length);
        case FORMAT.typedText:
          return new TreeReader(this.types).read(parse(bytes));
        case FORMAT.records:
          return this.#unpack(bytes);
        case FORMAT.typedRecords:
          return new TreeReader(this.types).read(this.#unpack(bytes));
        default:
          throw new TypeError(`Format ${format} is not known to this version`);
      }
    } catch (cause) {
      throw new CorruptEntryError(cause instanceof TypeError ? cause.message : 'its bytes are damaged', { cause });
    }
  }

  #unpack(bytes: Buffer): unknown {
    const records = bytes.subarray(1);
    checkRecords(records);
    return this.#packr.unpack(records) as unknown;
  }
}

function parse(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8', 1)) as unknown;
}

function withFormat(format: number, content: Buffer): Buffer {
  if (content.length >= LONGEST) throw new RangeError(`A value of more than ${LONGEST} bytes cannot be stored`);
  const bytes = Buffer.allocUnsafe(content.length + 1);
  bytes[0] = format;
  bytes.set(content, 1);
  return bytes;
}
