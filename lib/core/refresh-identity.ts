import type { RequestedKey, RefreshRequest } from './ports.js';

/** What two requests for the same have in common: their keys and generations. Collision-free, and of any length. */
export function identityOf({ key, generation, others = [] }: RefreshRequest): string {
  return [{ key, generation }, ...others].map(identityOfKey).join('');
}

/** With the lengths, no two lists of generations and keys look alike. */
function identityOfKey({ key, generation }: Pick<RequestedKey, 'key' | 'generation'>): string {
  return `${String(generation.length)}:${generation}${String(key.length)}:${key}`;
}
