import type { Reading } from 'nestjs-async-cache';

type Read = () => Promise<Reading>;

/** Fills what each read reads, and returns what asks how many of them are stale then, by their names. */
export async function fill<Name extends string>(reads: Record<Name, Read>): Promise<() => Promise<Name[]>> {
  const names = Object.keys(reads) as Name[];
  for (const name of names) await reads[name]();
  return async () => {
    const found = await Promise.all(names.map(async (name) => [name, (await reads[name]()).status] as const));
    return found.filter(([, status]) => status !== 'hit').map(([name]) => name);
  };
}
