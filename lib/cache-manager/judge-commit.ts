import type { CommitResult } from '../core/ports.js';
import { keptUntil } from './entry-item.js';
import { type Snapshot, standing } from './snapshot.js';

/**
 * Whether a fetch that began at `before` may be stored over `after`: not if any process wrote, removed or invalidated
 * meanwhile what it is about to replace, or invalidated one of the tags that it turned out to have.
 */
export function judgeCommit(before: Snapshot, after: Snapshot, tags: readonly string[], now: number): CommitResult {
  if (after.cleared.at > before.cleared.at) return 'lost';
  if (after.key.at > before.key.at) return after.key.gone > before.key.at ? 'lost' : 'revoked';
  const former = standing(before, now).item;
  let revoked = false;
  // Tags have a common clock because nobody knows at the start of a fetch which ones its value will have.
  if (after.tagClock.at !== before.tagClock.at) {
    for (const tag of former?.tags ?? []) {
      const stamp = after.tags.get(tag);
      if (stamp !== undefined && stamp.gone > before.tagClock.at) return 'lost';
      revoked ||= stamp !== undefined && stamp.at > before.tagClock.at;
    }
    revoked ||= tags.some((tag) => (after.tags.get(tag)?.at ?? 0) > before.tagClock.at);
  }
  if (revoked) return 'revoked';
  const present = standing(after, now).item;
  if (present?.generation === former?.generation) return 'stored';
  const timeIsOver = present === undefined && former !== undefined && now > keptUntil(former);
  return timeIsOver ? 'stored' : 'lost';
}
