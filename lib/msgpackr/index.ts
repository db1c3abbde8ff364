/**
 * Bytes of values, in MessagePack.
 *
 * @module nestjs-async-cache/msgpackr
 */
export { CompressingCodec } from './compressing-codec.js';
export { MsgpackrCodec } from './msgpackr-codec.js';
