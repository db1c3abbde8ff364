import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AsyncCacheRuntime } from '../../lib/nest/async-cache-runtime.js';
import { LostInvalidations } from '../../lib/orm/lost-invalidations.js';
import { TagNames } from '../../lib/orm/tag-names.js';

const USER = new TagNames('User');

function given(): { lost: LostInvalidations; invalidateTags: ReturnType<typeof vi.fn>; runtime: AsyncCacheRuntime } {
  const invalidateTags = vi.fn(async (_tags: readonly string[]) => undefined);
  const runtime = { cache: { invalidateTags } } as unknown as AsyncCacheRuntime;
  return { lost: new LostInvalidations(runtime), invalidateTags, runtime };
}

describe('invalidations that the store did not take', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('are repeated together until the store takes them, and not again', async () => {
    const { lost, invalidateTags } = given();
    invalidateTags.mockRejectedValueOnce(new Error('gone'));
    lost.add(USER.written('1'));
    lost.add(USER.written('2'));
    await vi.advanceTimersByTimeAsync(10_000);
    const tags = ['User:1', 'User:*', 'User:2'];
    expect(invalidateTags.mock.calls).toEqual([[tags], [tags]]);
  });

  it('are of whole entities beyond 1,000 tags', async () => {
    const { lost, invalidateTags } = given();
    lost.add(['plain']);
    for (let id = 0; id < 1_000; id++) lost.add(USER.written(String(id)));
    await vi.advanceTimersByTimeAsync(1_000);
    const [tags] = invalidateTags.mock.calls[0] as [readonly string[]];
    expect(tags).toEqual(expect.arrayContaining(['User', 'plain']));
    // The rows that were written after the others had become their entity.
    expect(tags.length).toBeLessThan(10);
  });
});
