// Measures every guarantee on real processes and prints a table, each number beside that of its sabotaged control:
//   npm run guarantees -- [--size short|long] [--scale 0.1] [--only G4,G7]
import { parseArgs } from 'node:util';
import { Clusters } from './cluster/clusters.js';
import { scenarios } from './scenarios/all-scenarios.js';
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
const short = values.size === 'short';
const wanted = scenarios.filter(
  ({ guarantee, onlyLong, title }) =>
    (only?.includes(guarantee) ?? true) && title.includes(values.match) && !(short && onlyLong === true),
);

const clusters = new Clusters();
let failed = 0;
console.log('| # | what | limit | number | n | within | without … | n | number |');
console.log('|---|---|---|---|---|---|---|---|---|');
try {
  for (const scenario of wanted) {
    const size = Math.max(1, Math.round(scenario.size[short ? 'short' : 'long'] * Number(values.scale)));
    const started = performance.now();
    const measured = await scenario.measure(await clusters.get(scenario.cluster), size);
    const seconds = ((performance.now() - started) / 1_000).toFixed(0);
    const control = values['no-controls'] ? undefined : await controlOf(scenario);
    if (!measured.holds || control?.holds === true) failed++;
    console.log(row(scenario, measured, control), `${seconds} s`);
  }
} finally {
  await clusters.close();
}
process.exitCode = failed === 0 ? 0 : 1;

async function controlOf({ control, cluster, measure }: Scenario): Promise<Measured | undefined> {
  if (control === undefined) return undefined;
  const own = await clusters.get({ ...cluster, ...control.cluster });
  return (control.measure ?? measure)(own, control.size);
}

function row(scenario: Scenario, { n, number, holds, exact = holds }: Measured, control: Measured | undefined): string {
  const { guarantee, title, limit } = scenario;
  const judged = exact ? 'yes' : holds ? 'no, but in reason' : '**no**';
  const noticed = control?.holds === true ? `${control.number} **(not noticed)**` : (control?.number ?? '–');
  const cells = [guarantee, title, limit, number, n, judged, scenario.control?.without ?? '–', control?.n ?? '–', noticed];
  return `| ${cells.join(' | ')} |`;
}
