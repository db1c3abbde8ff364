/** A rate or a count, short. */
export function number(value: number): string {
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)}k`;
  if (value >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** Seconds as a duration. */
export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (value < 0.001) return `${(value * 1_000_000).toFixed(0)} µs`;
  if (value < 1) return `${(value * 1_000).toFixed(value < 0.01 ? 1 : 0)} ms`;
  if (value < 120) return `${value.toFixed(value < 10 ? 1 : 0)} s`;
  if (value < 7_200) return `${(value / 60).toFixed(0)} min`;
  return value < 172_800 ? `${(value / 3_600).toFixed(1)} h` : `${(value / 86_400).toFixed(1)} d`;
}

export function workers(count = 0): string {
  return count === 1 ? '1 worker' : `${number(count)} workers`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0.995 && share < 1 ? 2 : 1)} %`;
}

export function bytes(value: number): string {
  return value < 1e9 ? `${(value / 1e6).toFixed(0)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

export function time(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false });
}
