import { setTimeout as sleep } from 'node:timers/promises';
import { startMembers } from '../harness/members.mjs';
import { median, quantile } from '../harness/statistics.mjs';

export default {
  order: 9,
  title: '4 processes × 250 readers of one key in the same moment, over a fetch of 50 ms',
  about:
    'Fetches a herd, of all processes together (1 is right), and milliseconds to the 99th percentile of the answers; medians of several herds.',
  tiers: ['redis', 'near'],
  subjects: [
    'nestjs-async-cache',
    'layered-loader',
    'async-cache-dedupe',
    'cache-manager',
    'cachified',
    'cacheable',
    'bentocache',
  ],
  variants: [{ key: 'cold' }, { key: 'stale' }],
  columns: [
    { key: 'p99', title: 'p99, ms', digits: 1 },
    { key: 'fetches', title: 'fetches a herd', digits: 2 },
  ],
  async measure({ subject, quick, variant, file, tier, url, prefix }) {
    if (variant.key === 'stale' && subject.cannot.stale !== undefined) {
      return { note: `cannot do this: ${subject.cannot.stale}` };
    }
    const members = await startMembers(4, {
      file,
      tier,
      url,
      prefix,
      ttl: variant.key === 'cold' ? 3_600 : 1,
      stale: 3_600,
      fetchMs: 50,
    });
    try {
      const herds = quick ? 6 : 12;
      const keys = Array.from({ length: herds }, (_, index) => `key-${index}`);
      if (variant.key === 'stale') {
        await members.ask({ command: 'fill', keys });
        await sleep(1_200);
      }
      const times = [];
      let fetches = 0;
      for (const key of keys) {
        const answers = await members.ask({ command: 'herd', key, size: 250 });
        times.push(
          quantile(
            answers.flatMap(({ latencies }) => latencies),
            0.99,
          ),
        );
        await sleep(150);
        fetches += (await members.ask({ command: 'count' })).reduce((sum, answer) => sum + answer.fetches, 0);
      }
      return { p99: median(times.slice(herds / 2)), fetches: fetches / herds };
    } finally {
      await members.stop();
    }
  },
};
