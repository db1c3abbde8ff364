import { startMembers } from '../harness/members.mjs';
import { quantile } from '../harness/statistics.mjs';

const PROCESSES = 4;
const FETCH_MS = 40;

export default {
  order: 10,
  title: 'How soon the readers of other processes have a cold key that one process fetches',
  about: `Milliseconds from the answer of the process that fetches for ${FETCH_MS} ms to those of three others, whose readers came meanwhile. Less than 0: they had it first.`,
  tiers: ['redis', 'near'],
  subjects: ['nestjs-async-cache'],
  columns: [
    { key: 'p50', title: 'p50', digits: 2 },
    { key: 'p99', title: 'p99', digits: 2 },
    { key: 'slowest', title: 'slowest', digits: 2 },
    { key: 'fetches', title: 'fetches a key', digits: 2 },
  ],
  async measure({ quick, file, tier, url, prefix }) {
    const members = await startMembers(PROCESSES, {
      file,
      tier,
      url,
      prefix,
      ttl: 3_600,
      stale: 0,
      fetchMs: FETCH_MS,
    });
    try {
      const keys = quick ? 20 : 150;
      const warmUp = 10;
      const late = [];
      let fetches = 0;
      for (let index = 0; index < warmUp + keys; index++) {
        const first = index % PROCESSES;
        // The others come while the first one fetches.
        const delays = Array.from({ length: PROCESSES }, (_, member) => (member === first ? 0 : 10 + 5 * member));
        const answers = await members.ask({ command: 'miss', key: `key-${index}`, delays });
        if (index < warmUp) continue;
        fetches += answers.reduce((sum, answer) => sum + answer.fetches, 0);
        const fetchedAt = answers[first].answeredAt;
        late.push(...answers.filter((_, member) => member !== first).map(({ answeredAt }) => answeredAt - fetchedAt));
      }
      return {
        p50: quantile(late, 0.5),
        p99: quantile(late, 0.99),
        slowest: Math.max(...late),
        fetches: fetches / keys,
      };
    } finally {
      await members.stop();
    }
  },
};
