import pMemoize from 'p-memoize';

export default {
  name: 'p-memoize',
  tiers: ['memory'],
  cannot: { stale: 'p-memoize has no time', delete: 'p-memoize deletes nothing that is not in its Map' },
  open({ fetch, keyOf }) {
    const cache = new Map();
    const read = pMemoize((argument) => fetch(argument), {
      cache,
      ...(keyOf === undefined ? {} : { cacheKey: ([argument]) => keyOf(argument) }),
    });
    return { get: read, method: read, delete: (key) => cache.delete(key), close: () => undefined };
  },
};
