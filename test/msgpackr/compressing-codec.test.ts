import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CorruptEntryError } from '../../lib/core/errors.js';
import { CompressingCodec } from '../../lib/msgpackr/compressing-codec.js';
import { MsgpackrCodec } from '../../lib/msgpackr/msgpackr-codec.js';

const plain = new MsgpackrCodec();
const codec = new CompressingCodec(plain, 1_000);
const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `name ${String(id)}`, at: new Date(id) }));

describe('a compressing codec', () => {
  it('compresses what is long, and reads it again', () => {
    const bytes = codec.encode(rows);
    expect(bytes.length).toBeLessThan(plain.encode(rows).length / 3);
    expect('zZ').toContain(bytes.toString('latin1', 0, 1));
    expect(codec.decode(bytes)).toEqual(rows);
  });

  it('leaves what is short, or does not get shorter, as it was', () => {
    expect(codec.encode({ a: 1 })).toEqual(plain.encode({ a: 1 }));
    const noise = Buffer.from(Array.from({ length: 2_000 }, (_, n) => (n * 7_919) % 251)).toString('latin1');
    const incompressible = new CompressingCodec(
      { encode: () => Buffer.from(crypto.getRandomValues(new Uint8Array(2_000))), decode: () => noise },
      10,
    );
    expect(incompressible.encode(1)).toHaveLength(2_000);
  });

  it('reads what was written without it, and one that compresses nothing reads what is compressed', () => {
    expect(codec.decode(plain.encode(rows))).toEqual(rows);
    expect(new CompressingCodec(plain, Infinity).decode(codec.encode(rows))).toEqual(rows);
  });

  it('is a miss for a release that does not know it', () => {
    expect(() => plain.decode(codec.encode(rows))).toThrow(CorruptEntryError);
  });

  it.each([
    ['nothing', Buffer.from('z')],
    ['noise', Buffer.from('z this is no deflated text')],
    ['half of it', codec.encode(rows).subarray(0, 100)],
    ['zstd that is none', Buffer.from('Zabc')],
    ['more than may be', Buffer.concat([Buffer.from('z'), deflateRawSync(Buffer.alloc(300 * 1_024 * 1_024))])],
  ])('takes %s for a corrupt entry', (_, bytes) => {
    expect(() => codec.decode(bytes)).toThrow(CorruptEntryError);
  });
});
