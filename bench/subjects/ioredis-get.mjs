export { get as default } from './ioredis.mjs';
