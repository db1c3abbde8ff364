import { createHash } from 'node:crypto';
import { identityOf } from '../core/job/refresh-identity.js';
import type { RefreshRequest } from '../core/ports.js';

/** Hashed, because keys are long and may contain anything, and this becomes a part of a Redis key. */
export function deduplicationId(request: Pick<RefreshRequest, 'key' | 'generation' | 'others'>): string {
  return createHash('sha1').update(identityOf(request)).digest('base64url');
}
