import { describe, expect, it } from 'vitest';
import { replay, runSchedules } from './run-schedules.js';
import { SCHEDULES } from './schedules.js';
import { INVARIANTS, type Violation } from './violation.js';

const { SIM_SEED, SIM_FROM = '0', SIM_SCHEDULES = String(SCHEDULES) } = process.env;
const PROGRESS = 50_000;

function report({ seed, invariant, what, trace }: Violation): string {
  const rule = `${invariant}, ${INVARIANTS[invariant]}`;
  return `${trace.join('\n')}\n\nSeed ${seed} violates ${rule}: ${what}\nAgain: SIM_SEED=${seed} npm run simulate`;
}

describe.runIf(SIM_SEED !== undefined)('one schedule', () => {
  it(`of seed ${SIM_SEED ?? ''}`, async () => {
    const { violation, trace } = await replay(Number(SIM_SEED));
    console.log(trace.join('\n'));
    if (violation !== undefined) expect.fail(report({ ...violation, trace: [] }));
  });
});

describe.runIf(SIM_SEED === undefined)('the core in a world where everything goes wrong', () => {
  it(`keeps every invariant in ${SIM_SCHEDULES} schedules`, { timeout: 0 }, async () => {
    const started = performance.now();
    const seconds = (): string => ((performance.now() - started) / 1_000).toFixed(1);
    const { violation, done } = await runSchedules({
      from: Number(SIM_FROM),
      schedules: Number(SIM_SCHEDULES),
      onProgress: (count) => {
        if (count > 0 && count % PROGRESS === 0) console.log(`${count} schedules in ${seconds()} s`);
      },
    });
    console.log(`${done} schedules in ${seconds()} s, from seed ${SIM_FROM}`);
    if (violation !== undefined) expect.fail(report({ ...violation, trace: (await replay(violation.seed)).trace }));
  });

  it('does the same again for the same seed', async () => {
    for (let seed = 0; seed < 60; seed++) expect((await replay(seed)).trace).toEqual((await replay(seed)).trace);
  });

  it('does something else for another seed', async () => {
    const traces = await Promise.all([1, 2, 3].map(async (seed) => (await replay(seed)).trace.join('\n')));
    expect(new Set(traces).size).toBe(3);
  });

  it('meets everything that there is to meet', async () => {
    const traces: string[] = [];
    for (let seed = 0; seed < 600; seed++) traces.push(...(await replay(seed)).trace);
    const met = traces.join('\n');
    const happenings = {
      acquire: ['granted', 'granted (takes over)', 'busy', 'backoff', 'changed'].map(
        (kind) => `acquires J:"a": ${kind}`,
      ),
      renew: ['renews J:"a": true', 'renews J:"a": false'],
      commit: ['stored', 'stale', 'revoked', 'lost'].map((result) => `: ${result}\n`),
      release: ['unfilled', 'failed', 'gone'].map((ending) => `releases J:"a": ${ending}`),
      all: ['invalidates all of J:', 'deletes all of J:'],
      refresh: ['stored', 'skipped', 'busy', 'again', 'failed'].map((outcome) => `ends a refresh of J:"a": ${outcome}`),
      read: [': hit,', ': stale,', ': miss,', 'got no J:"a"'],
      fault: ['loss', 'cut', 'slow', 'outage', 'wipe', 'crash', 'freeze', 'queue', 'origin', 'hang', 'feed'].map(
        (fault) => `fault: ${fault}`,
      ),
    };
    for (const happening of Object.values(happenings).flat())
      expect.soft(met.includes(happening), happening).toBe(true);
  });
});
