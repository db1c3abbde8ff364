// Runs the simulation: `npm run simulate -- --schedules 1000000 --from 0`, or one seed with its trace: `-- --seed 42`.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { schedules: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' } },
});
const given = { SIM_SCHEDULES: values.schedules, SIM_FROM: values.from, SIM_SEED: values.seed };
const env = { ...process.env };
for (const [name, value] of Object.entries(given)) if (value !== undefined) env[name] = value;

const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const config = fileURLToPath(new URL('./vitest.config.ts', import.meta.url));
const name = env.SIM_SEED === undefined && env.SIM_SCHEDULES !== undefined ? ['-t', 'keeps every invariant'] : [];
const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', config, ...name], { env, stdio: 'inherit' });
process.exitCode = status ?? 1;
