/**
 * Copies of the entries of a remote store in this process.
 *
 * @module nestjs-async-cache/near
 */
export { NearStore } from './near-store.js';
export type { NearStoreOptions } from './near-store-options.js';
