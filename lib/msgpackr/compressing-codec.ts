import zlib from 'node:zlib';
import { CorruptEntryError } from '../core/errors.js';
import type { Codec } from '../core/ports.js';

/** The first byte of what is compressed; the formats of `MsgpackrCodec` have other letters. */
const DEFLATED = 0x7a; // z
const ZSTD = 0x5a; // Z

/** What compressed bytes may become: they are untrusted, and a few of them can stand for gigabytes. */
const LONGEST = 256 * 1_024 * 1_024;
/**
 * What one compressed byte may stand for: as much as deflate can make of it. Zstd could make a gigabyte of a few bytes,
 * so what it compresses further is compressed with deflate.
 */
const LARGEST_RATIO = 1_100;
const ALWAYS_ALLOWED = 65_536;

interface Method {
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer, options: { readonly maxOutputLength: number }): Buffer;
}

/** What Node 20 does not have, and its types do not know. */
interface Zstd {
  readonly zstdCompressSync?: (bytes: Buffer) => Buffer;
  readonly zstdDecompressSync?: (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer;
}

const deflate: Method = {
  compress: (bytes) => zlib.deflateRawSync(bytes),
  decompress: (bytes, options) => zlib.inflateRawSync(bytes, options),
};

function zstdOf({ zstdCompressSync, zstdDecompressSync }: Zstd): Method | undefined {
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  return {
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, options) => zstdDecompressSync(bytes, options),
  };
}

/**
 * Compresses what another codec writes where it is long and gets shorter: with zstd where Node has it, else with deflate. Reads
 * what any process wrote, compressed or not; what only a newer Node can read is a corrupt entry, which is a miss.
 */
export class CompressingCodec implements Codec {
  readonly #zstd = zstdOf(zlib as Zstd);

  /** @param above bytes from which on values are compressed; `Infinity`: none is. */
  constructor(
    private readonly codec: Codec,
    private readonly above: number,
  ) {}

  /** Compresses what is longer than the limit, unless that makes it no shorter. */
  encode(value: unknown): Buffer {
    const bytes = this.codec.encode(value);
    if (bytes.length <= this.above) return bytes;
    const zstd = this.#zstd?.compress(bytes);
    const isReadable = zstd !== undefined && bytes.length <= longestOf(zstd);
    const [format, compressed] = isReadable ? [ZSTD, zstd] : [DEFLATED, deflate.compress(bytes)];
    return compressed.length + 1 < bytes.length ? Buffer.concat([Buffer.of(format), compressed]) : bytes;
  }

  /** Throws a `CorruptEntryError` for damaged bytes, and for those that would become too long. */
  decode(bytes: Buffer): unknown {
    const [format] = bytes;
    if (format !== DEFLATED && format !== ZSTD) return this.codec.decode(bytes);
    const method = format === DEFLATED ? deflate : this.#zstd;
    if (method === undefined) throw new CorruptEntryError('it is compressed with zstd, which this Node does not have');
    let content: Buffer;
    try {
      const compressed = bytes.subarray(1);
      content = method.decompress(compressed, { maxOutputLength: longestOf(compressed) });
    } catch (cause) {
      throw new CorruptEntryError('its compressed bytes are damaged, or too long', { cause });
    }
    return this.codec.decode(content);
  }
}

/** How many bytes compressed ones may become. */
function longestOf(compressed: Buffer): number {
  return Math.min(LONGEST, Math.max(ALWAYS_ALLOWED, compressed.length * LARGEST_RATIO));
}
