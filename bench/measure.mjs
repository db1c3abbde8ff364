// Takes one measurement, in this process and no other: `node measure.mjs '{ "workload": …, "file": …, "tier": … }'`.
import { firstLine, loadSubject } from './harness/catalogue.mjs';

const spec = JSON.parse(process.argv[2]);
const { default: workload } = await import(new URL(`./workloads/${spec.workload}.mjs`, import.meta.url));

// Some peers have a rejection that nobody handles while Redis is away: that is a finding, not the end of a measurement.
let unhandled = 0;
process.on('unhandledRejection', () => unhandled++);

try {
  const subject = await loadSubject(spec.file);
  // No measurement meets the keys of another one.
  const prefix = `bench:${process.pid}:${Date.now().toString(36)}:`;
  const open = (options = {}) =>
    subject.open({
      tier: spec.tier,
      url: spec.url,
      prefix,
      ttl: 3_600,
      stale: 0,
      max: 1_000_000,
      fetch: async (key) => ({ key }),
      ...options,
    });
  const result = await workload.measure({ ...spec, prefix, subject, open });
  report({ ...result, ...(unhandled > 0 ? { unhandled } : {}) });
} catch (error) {
  report({ error: firstLine(error), stack: String(error?.stack) });
}

function report(result) {
  if (process.send === undefined) {
    console.log(result);
    process.exit();
  }
  process.send(result, () => process.exit());
}
