import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarios } from './scenarios/all-scenarios.js';
import { type Group, GroupRun, plan, type PlanOptions } from './scenarios/plan.js';

const TIMEOUT = 120_000;
/** On a busy machine a measurement may meet nothing to judge, such as no process that was frozen while it read. */
const MOST_ATTEMPTS = 3;

/** A test for each guarantee and for each of its controls, by the clusters that they need. */
export function describeGuarantees(options: PlanOptions): void {
  describe.each(plan(scenarios, options).map((group): [string, Group] => [nameOf(group), group]))('%s', (_, group) => {
    let run: GroupRun | undefined;
    beforeAll(async () => {
      run = await GroupRun.start(group);
    }, TIMEOUT);
    afterAll(() => run?.stop());

    // Measurements that run all the time come last.
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
        let measured = await run!.measure(measurement);
        for (let attempt = 1; measured.n === 0 && attempt < MOST_ATTEMPTS; attempt++) {
          measured = await run!.measure(measurement);
        }
        const { n, number, holds } = measured;
        expect(n, number).toBeGreaterThan(0);
        expect(holds, `${number} (n = ${n})`).toBe(!measurement.isControl);
      },
      TIMEOUT,
    );
  });
}

function nameOf({ cluster: { webs, workers, near, sabotage, clockOffsets, settableClock } }: Group): string {
  const parts = [`${webs} webs and ${workers} workers`];
  if (near === true) parts.push('with a near tier');
  if (clockOffsets !== undefined) parts.push('with wrong clocks');
  if (settableClock === true) parts.push('with a Redis whose clock is set');
  if (sabotage !== undefined) parts.push(`made to work with ${sabotage}`);
  return parts.join(', ');
}
