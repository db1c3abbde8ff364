/** The time that so many percent of the readers waited at most. */
export function percentile(milliseconds: readonly number[], percent: number): number {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}

/** `1.3 ms`, `1,021 ms`. */
export function inMilliseconds(milliseconds: number): string {
  const digits = milliseconds < 10 ? 1 : 0;
  return `${inDigits(milliseconds, digits)} ms`;
}

/** `0.9 s`. */
export function inSeconds(milliseconds: number): string {
  return `${inDigits(milliseconds / 1000, 1)} s`;
}

/** `1 query`, `2,400 reads`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

function inDigits(number: number, digits: number): string {
  return number.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
