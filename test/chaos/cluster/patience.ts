import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is true. Rejects with its name when that takes too long. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, within = 30_000): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`Not within ${within} ms: ${what}`);
    await sleep(5);
  }
}

/** Runs at most so many at a time, and returns the answers in the order of the questions. */
export async function inLanes<One, Result>(
  all: readonly One[],
  lanes: number,
  run: (one: One, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = all.entries();
  const lane = async (): Promise<void> => {
    for (const [index, one] of waiting) results[index] = await run(one, index);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, all.length) }, lane));
  return results;
}

/** How long waits took, at the beginning of a longer text; nothing of none. */
export function waitsOf(times: readonly number[]): string {
  if (times.length === 0) return '';
  const [p50, p99] = [percentile(times, 50), percentile(times, 99)].map((ms) => `${(ms / 1_000).toFixed(2)} s`);
  return `p50 ${p50}, p99 ${p99}, `;
}

export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((percent / 100) * sorted.length)) - 1] ?? Number.NaN;
}
