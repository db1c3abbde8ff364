export { CompressingCodec } from './compressing-codec.js';
export { MsgpackrCodec } from './msgpackr-codec.js';
