// Measures this package beside its peers and the limit: see README.md. Prints tables, and writes results.md, results.json
// and plots/*.svg; a quick run writes quick/ instead, because its figures are no figures to keep.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const QUICK_SECONDS = 90;
const startedAt = performance.now();
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

build();
installPeers();
const { argumentsOf } = await import('./harness/arguments.mjs');
const { loadSubjects, loadWorkloads, firstLine } = await import('./harness/catalogue.mjs');
const { planOf } = await import('./harness/plan.mjs');
const { measureInFreshProcess } = await import('./harness/fresh-process.mjs');
const { startRedis } = await import('./harness/redis-server.mjs');
const { describeMachine } = await import('./harness/machine.mjs');
const { rowsOf, idOf, markdownOf } = await import('./harness/tables.mjs');

const workloads = await loadWorkloads();
const subjects = await loadSubjects();
let options;
try {
  options = argumentsOf(process.argv.slice(2), [...workloads.keys()], [...subjects.keys()]);
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
if (options.list) {
  for (const [name, { title }] of workloads) console.log(`${name.padEnd(20)} ${title}`);
  process.exit();
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const redis = await startRedis().catch((error) => {
  console.error(`No Redis (${firstLine(error)}): what needs one is listed as not run.`);
  return undefined;
});
const chosen = options.only.map((name) => {
  const workload = workloads.get(name);
  return [name, options.quick ? { ...workload, variants: workload.quickly ?? workload.variants } : workload];
});
const plan = chosen.flatMap((each) =>
  planOf(each, subjects, { hasRedis: redis !== undefined }).filter(({ file }) => options.subjects.includes(file)),
);
const machine = describeMachine();
const results = new Map();
await measureAll();
await redis?.stop();
await publish();

function build() {
  const { status } = spawnSync('npm', ['run', '-s', 'build'], { cwd: here('..'), stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function installPeers() {
  if (existsSync(here('./node_modules/echarts/package.json'))) return;
  console.error('Installing the peers into bench/node_modules …');
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: here('.'),
    stdio: 'inherit',
  });
  if (status !== 0) console.error('npm ci failed: peers that are not there become rows that say so.');
}

/** The loop over runs is the outermost, so that a machine whose speed drifts slows all subjects of a run alike. */
async function measureAll() {
  const todo = plan.filter(({ refusal }) => refusal === undefined);
  // Ours and the limits first: a quick run ends before all peers had their turn.
  if (options.quick) todo.sort((a, b) => rank(a) - rank(b));
  for (let run = 0; run < options.runs; run++) {
    for (const [index, row] of todo.entries()) {
      if (options.quick && performance.now() - startedAt > QUICK_SECONDS * 1_000) return;
      const spec = { ...row, run, quick: options.quick, url: redis?.url, flags: workloads.get(row.workload).flags };
      const result = await measureInFreshProcess(spec, { timeout: options.quick ? 15_000 : 120_000 });
      results.set(idOf(row), [...(results.get(idOf(row)) ?? []), result]);
      const shown =
        result.error ??
        JSON.stringify(result, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value));
      const place = `${run + 1}/${options.runs} ${index + 1}/${todo.length}`;
      console.error(
        `${place} ${row.workload} ${JSON.stringify(row.variant ?? '')} ${row.tier} ${row.subject}: ${shown}`,
      );
    }
  }
}

function rank({ workload, file }) {
  const { limit } = workloads.get(workload);
  const isLimit = typeof limit === 'string' ? limit.startsWith(file) : ['map', 'ioredis'].includes(file);
  return file === 'nestjs-async-cache' || isLimit ? 0 : 1;
}

async function publish() {
  const target = options.quick ? 'quick/' : '';
  mkdirSync(here(`./${target}plots`), { recursive: true });
  const parts = [];
  // A run of some workloads keeps what another run found for the others.
  const file = here(`./${target}results.json`);
  const former = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { workloads: {} };
  const published = { machine: { ...machine, loadAfter: loadavg()[0].toFixed(2) }, workloads: former.workloads };
  const plotOf = await import('./harness/plots.mjs').then(
    (module) => module.plotOf,
    () => () => undefined,
  );
  for (const [name, workload] of chosen) {
    const rows = rowsOf(
      workload,
      plan.filter((row) => row.workload === name),
      results,
    );
    published.workloads[name] = { machine: published.machine, runs: options.runs, quick: options.quick, rows };
    console.log(`\n### ${workload.title}\n\n${markdownOf(workload, rows)}`);
  }
  for (const [name, workload] of workloads) {
    const done = published.workloads[name];
    if (done === undefined) continue;
    const svg = plotOf(workload, done.rows);
    if (svg !== undefined) writeFileSync(here(`./${target}plots/${name}.svg`), svg);
    const about = `${workload.about} ${done.runs} run${done.runs === 1 ? '' : 's'} on ${done.machine.date}, load of the machine ${done.machine.loadBefore} before and ${done.machine.loadAfter} after.`;
    const plot = svg === undefined ? '' : `\n\n![${workload.title}](plots/${name}.svg)`;
    parts.push(`## ${workload.title}\n\n${about}\n\n${markdownOf(workload, done.rows)}${plot}`);
  }
  writeFileSync(file, `${JSON.stringify(published, undefined, 1)}\n`);
  const { cpu, cores, memory, system, node, redis: redisVersion } = machine;
  const intro = [
    '# Results',
    `${cpu}, ${cores} cores, ${memory}, ${system}, Node ${node}, Redis ${redisVersion}. Other work may run on the machine: compare only inside one table, by the ratios.`,
    'Medians of all runs, with the smallest and largest in brackets. Each measurement has a process of its own; the loop over runs is the outermost, and ratios are taken inside a run. A peer that cannot do something, or that failed, is a row that says so.',
  ];
  writeFileSync(here(`./${target}results.md`), `${[...intro, ...parts].join('\n\n')}\n`);
  console.log(
    `\nWritten: bench/${target}results.md, bench/${target}results.json, bench/${target}plots/ after ${Math.round((performance.now() - startedAt) / 1_000)} s`,
  );
}
