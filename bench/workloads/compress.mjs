import { MsgpackrCodec, CompressingCodec } from '../../dist/msgpackr/index.js';
import { timeCalls } from '../harness/load.mjs';
import { documentOf } from '../harness/values.mjs';

const SIZES = { '10 KB': 10_000, '100 KB': 100_000, '1 MB': 1_000_000 };

export default {
  order: 14,
  title: 'Compression of large values',
  about:
    '`compress` beside the same value uncompressed: bytes in Redis, and milliseconds of computing to write and to read it. Rows as an API returns them; with zstd where Node has it, else with deflate.',
  tiers: ['memory'],
  subjects: ['nestjs-async-cache'],
  quickly: [{ size: '100 KB' }],
  variants: Object.keys(SIZES).map((size) => ({ size })),
  columns: [
    { key: 'bytes', title: 'bytes' },
    { key: 'compressed', title: 'compressed' },
    { key: 'saved', title: '% saved', digits: 1 },
    { key: 'encode', title: 'write, ms', digits: 3 },
    { key: 'encodeCompressed', title: 'write compressed, ms', digits: 3 },
    { key: 'decode', title: 'read, ms', digits: 3 },
    { key: 'decodeCompressed', title: 'read compressed, ms', digits: 3 },
  ],
  async measure({ quick, variant }) {
    const value = documentOf(SIZES[variant.size]);
    const plain = new MsgpackrCodec();
    const compressing = new CompressingCodec(new MsgpackrCodec(), 1_000);
    const [bytes, compressed] = [plain.encode(value), compressing.encode(value)];
    const ms = async (run) => (await timeCalls(run, { ms: quick ? 10 : 30 })) / 1e6;
    return {
      bytes: bytes.length,
      compressed: compressed.length,
      saved: 100 * (1 - compressed.length / bytes.length),
      encode: await ms(() => plain.encode(value)),
      encodeCompressed: await ms(() => compressing.encode(value)),
      decode: await ms(() => plain.decode(bytes)),
      decodeCompressed: await ms(() => compressing.decode(compressed)),
    };
  },
};
