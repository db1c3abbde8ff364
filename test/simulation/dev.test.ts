import { it } from 'vitest';
import { World } from './world.js';
it('dev', { timeout: 600_000 }, async () => {
  const from = Number(process.env.SIM_FROM ?? 0);
  const n = Number(process.env.SIM_N ?? 100);
  const seed = process.env.SIM_SEED;
  if (seed !== undefined) {
    const w = new World(Number(seed), { traced: true });
    const v = await w.run();
    console.log(w.trace.join('\n'));
    console.log(v?.invariant, v?.what);
    return;
  }
  const start = performance.now();
  const found = new Map<string, string[]>();
  for (let s = from; s < from + n; s++) {
    const v = await new World(s).run();
    if (v) { const k = v.invariant; found.set(k, [...(found.get(k) ?? []), `${s}: ${v.what}`]); }
  }
  console.log(n, performance.now() - start, [...found].map(([k, l]) => `${k} ${l.length}\n  ${l.slice(0, 8).join('\n  ')}`).join('\n'));
});
