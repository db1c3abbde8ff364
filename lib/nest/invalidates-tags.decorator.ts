import { afterWrite, type Write } from './after-write.js';
import type { InvalidatesOptions, WriteDecorator } from './invalidates.decorator.js';

/**
 * After each successful call of the method, and before the caller gets its result, every entry with one of the tags is
 * made stale, or with `{ delete: true }` removed: `@InvalidatesTags(({ args: [id] }) => [`user:${id}`])`, or a list.
 * Costs one operation per such entry. Otherwise as `Invalidates`.
 */
export function InvalidatesTags<
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what an unannotated parameter is: see Invalidates
  Args extends readonly unknown[] = readonly any[],
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  Result = any,
>(
  tags: readonly string[] | ((write: Write<Args, Result>) => readonly string[]),
  options: InvalidatesOptions = {},
): WriteDecorator<Args, Result> {
  return (target, propertyKey, descriptor) =>
    afterWrite('InvalidatesTags', target, propertyKey, descriptor, {
      check: () => undefined,
      run: async (runtime, write, writer) => {
        try {
          const list = typeof tags === 'function' ? tags(write as Write<Args, Result>) : tags;
          await (options.delete === true ? runtime.cache.deleteTags(list) : runtime.cache.invalidateTags(list));
        } catch (error) {
          runtime.observer.observe({ type: 'invalidation-failed', job: '', key: '', writer, error });
        }
      },
    });
}
