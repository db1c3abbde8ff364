// Measures every guarantee on real processes and prints a table, each number beside that of its sabotaged control:
//   npm run guarantees -- [--size short] [--scale 0.1] [--only G4,G7] [--match 'near tier on'] [--no-controls]
import { parseArgs } from 'node:util';
import { scenarios } from './scenarios/all-scenarios.js';
import { GroupRun, plan } from './scenarios/plan.js';
import type { Measured, Scenario } from './scenarios/scenario.js';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'long' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string' },
    match: { type: 'string', default: '' },
    'no-controls': { type: 'boolean', default: false },
  },
});
const only = values.only?.split(',');
const wanted = scenarios.filter(
  ({ guarantee, title }) => (only?.includes(guarantee) ?? true) && title.includes(values.match),
);
const groups = plan(wanted, {
  size: values.size === 'short' ? 'short' : 'long',
  scale: Number(values.scale),
  controls: !values['no-controls'],
});

const measured = new Map<Scenario, Measured>();
const controls = new Map<Scenario, Measured>();
for (const group of groups) {
  const run = await GroupRun.start(group);
  try {
    for (const measurement of group.measurements) {
      const { scenario, isControl } = measurement;
      const started = performance.now();
      const result = await run.measure(measurement).catch(failed);
      (isControl ? controls : measured).set(scenario, result);
      const seconds = ((performance.now() - started) / 1_000).toFixed(1);
      console.error(
        `${isControl ? '  control of ' : ''}${scenario.guarantee} ${scenario.title}: ${result.number} (${seconds} s)`,
      );
    }
  } finally {
    await run.stop();
  }
}

console.log('| # | what | limit | number | n | within | without … | number | n |');
console.log('|---|---|---|---|---|---|---|---|---|');
for (const [scenario, result] of measured) console.log(row(scenario, result, controls.get(scenario)));
const good = [...measured.values()].every(({ holds }) => holds) && [...controls.values()].every(({ holds }) => !holds);
process.exitCode = good ? 0 : 1;

function failed(error: unknown): Measured {
  return { n: 0, number: `not measured: ${String(error)}`, holds: false };
}

function row(
  { guarantee, title, limit, control: sabotage }: Scenario,
  { n, number, holds, exact = holds }: Measured,
  control: Measured | undefined,
): string {
  const within = exact ? 'yes' : holds ? 'no, but near' : '**no**';
  const noticed = control === undefined ? '–' : `${control.number}${control.holds ? ' **(not noticed)**' : ''}`;
  return `| ${[guarantee, title, limit, number, n, within, sabotage?.without ?? '–', noticed, control?.n ?? '–'].join(' | ')} |`;
}
