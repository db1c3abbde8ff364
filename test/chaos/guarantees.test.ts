import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarios } from './scenarios/all-scenarios.js';
import { type Group, GroupRun, plan } from './scenarios/plan.js';

// Short, to see that every guarantee holds and that every check can fail. `npm run guarantees` measures at length.

const PATIENCE = 60_000;

describe.each(plan(scenarios, { size: 'short' }).map((group): [string, Group] => [nameOf(group), group]))('%s', (_, group) => {
  let run: GroupRun | undefined;
  beforeAll(async () => {
    run = await GroupRun.start(group);
  }, PATIENCE);
  afterAll(() => run?.stop());

  // Last those that have been at work all the time.
  const measurements = group.measurements.toSorted(
    (a, b) => Number(a.scenario.meanwhile ?? false) - Number(b.scenario.meanwhile ?? false),
  );
  it.each(
    measurements.map(({ scenario: { guarantee, title, limit, control }, isControl }, index) => {
      const what = isControl ? `without ${control?.without} is noticed: ` : '';
      return [`${guarantee} ${what}${title}: ${limit}`, measurements[index]!] as const;
    }),
  )(
    '%s',
    async (_title, measurement) => {
      const { n, number, holds } = await run!.measure(measurement);
      expect(n, number).toBeGreaterThan(0);
      expect(holds, `${number} (n = ${n})`).toBe(!measurement.isControl);
    },
    PATIENCE,
  );
});

function nameOf({ cluster: { webs, workers, near, sabotage, clockOffsets } }: Group): string {
  const parts = [`${webs} webs and ${workers} workers`];
  if (near === true) parts.push('with a near tier');
  if (clockOffsets !== undefined) parts.push('with wrong clocks');
  if (sabotage !== undefined) parts.push(`made to work with ${sabotage}`);
  return parts.join(', ');
}
