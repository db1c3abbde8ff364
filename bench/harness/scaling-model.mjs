/** What one whole refresh takes more than the read that asks for it: see the workload `refresh`. */
const REFRESH = { commands: 78 };

/**
 * The model of docs/scaling.md: what a second brings, for keys that are read evenly and at random.
 *
 * @param load `keys`; `reads` a second of all processes; `processes`; `ttl` in seconds; `hasNear`: with the near tier.
 */
export function predict({ keys, reads, processes, ttl, hasNear }) {
  // A key is stale after its ttl, and the next read of it asks for a refresh.
  const cycle = ttl + keys / reads;
  const refreshes = keys / cycle;
  // The process that refreshed a key reads it again, as do those of the others that are asked for it before it changes again.
  const askedInCycle = 1 - Math.exp((-reads / keys / processes) * cycle);
  const toRedis = hasNear ? refreshes * (1 + (processes - 1) * askedInCycle) : reads;
  return { refreshes, commands: toRedis + refreshes * REFRESH.commands };
}
