// Random faults on real processes for a while, then checks over everything that happened: npm run chaos -- [--minutes
// 30] [--seed 7] [--log chaos.json] A run is many rounds of a minute, each with the next seed; `--seed 7 --minutes 1`
// plays round 7 again.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { check } from './checker/checks.js';
import type { Verdict } from './checker/verdict.js';
import { runChaos } from './run/chaos-run.js';
import { summaryOf, tableOf } from './run/report.js';

const ROUND = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    sabotage: { type: 'string' },
    log: { type: 'string' },
  },
});
const firstSeed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const rounds = Math.max(1, Math.ceil(Number(values.minutes)));
const ms = Math.min(1, Number(values.minutes)) * ROUND;

const totals = new Map<string, Verdict>();
for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  const log = await runChaos({ seed, ms, sabotage: values.sabotage });
  const verdicts = check(log);
  console.log(JSON.stringify(summaryOf(log, seed, verdicts)));
  if (verdicts.some(({ violations }) => violations.length > 0)) {
    console.log(tableOf(verdicts));
    if (values.log !== undefined) writeFileSync(values.log, JSON.stringify(log));
  }
  for (const verdict of verdicts) totals.set(verdict.check, sumOf(totals.get(verdict.check), verdict));
}
console.log(`\n${rounds} rounds from seed ${firstSeed}\n${tableOf([...totals.values()])}`);
process.exitCode = [...totals.values()].some(({ violations }) => violations.length > 0) ? 1 : 0;

function sumOf(one: Verdict | undefined, other: Verdict): Verdict {
  if (one === undefined) return other;
  return {
    check: other.check,
    judged: one.judged + other.judged,
    excused: one.excused + other.excused,
    violations: [...one.violations, ...other.violations],
  };
}
