/** The limit: what reading from a Map and awaiting costs. */
export default {
  name: 'await map.get',
  tiers: ['memory'],
  cannot: { stale: 'a Map has no time', cold: 'a Map fetches nothing', decorated: 'a Map wraps no method' },
  open({ fetch }) {
    const map = new Map();
    return {
      get: (key) => map.get(key),
      fill: async (key) => map.set(key, await fetch(key)),
      delete: (key) => map.delete(key),
      close: () => undefined,
    };
  },
};
