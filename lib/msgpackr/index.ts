export { MsgpackrCodec } from './msgpackr-codec.js';
