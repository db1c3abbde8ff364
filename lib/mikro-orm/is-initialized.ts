import { Utils, wrap } from '@mikro-orm/core';

/** False for a reference, of which only the key is known. */
export function isInitialized(value: object): boolean {
  return !Utils.isEntity(value, true) || wrap(value).isInitialized();
}
