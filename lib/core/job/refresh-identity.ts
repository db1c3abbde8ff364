import type { RequestedKey, RefreshRequest } from '../ports.js';

/** Equal for two requests of the same keys and generations. Collision-free, and of any length. */
export function identityOf({
  key,
  generation,
  others = [],
}: Pick<RefreshRequest, 'key' | 'generation' | 'others'>): string {
  return [{ key, generation }, ...others].map(identityOfKey).join('');
}

/** With the lengths written before them, no two lists of generations and keys have the same text. */
function identityOfKey({ key, generation }: Pick<RequestedKey, 'key' | 'generation'>): string {
  return `${String(generation.length)}:${generation}${String(key.length)}:${key}`;
}
