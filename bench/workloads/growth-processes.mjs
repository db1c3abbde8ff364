import { startMembers } from '../harness/members.mjs';
import { watchCommands } from '../harness/commands.mjs';

export default {
  order: 16,
  title: 'Cost as the number of processes grows',
  about:
    'Each process has 16 readers that read again as soon as they have their answer, over 1,000 keys (Zipf), all of them fresh. The processes share the cores of one machine with Redis, so reads a second stop to grow when the cores are used up; what counts is that a read costs the same.',
  tiers: ['redis', 'near'],
  subjects: ['nestjs-async-cache', 'layered-loader'],
  quickly: [{ processes: 1 }, { processes: 4 }],
  variants: [1, 2, 4, 8, 16].map((processes) => ({ processes })),
  growsWith: 'processes',
  columns: [
    { key: 'perSecond', title: 'reads a second, all' },
    { key: 'cpu', title: 'µs of computing a read', digits: 2 },
    { key: 'commands', title: 'Redis commands a read', digits: 3 },
    { key: 'fetches', title: 'fetches a key to fill', digits: 2 },
  ],
  async measure({ quick, variant: { processes }, file, tier, url, prefix }) {
    const members = await startMembers(processes, { file, tier, url, prefix, ttl: 3_600, stale: 0, fetchMs: 0 });
    try {
      const keys = Array.from({ length: 1_000 }, (_, index) => `key-${index}`);
      const filled = await members.ask({ command: 'fill', keys });
      await members.ask({ command: 'load', keys, readers: 16, ms: 500 });
      const watch = await watchCommands(url, { monitors: false });
      await watch.start();
      const ms = quick ? 500 : 1_500;
      const answers = await members.ask({ command: 'load', keys, readers: 16, ms });
      const { commands } = await watch.stop();
      watch.close();
      const reads = answers.reduce((sum, answer) => sum + answer.reads, 0);
      const cpu = answers.reduce((sum, answer) => sum + answer.cpu, 0);
      const fetches = filled.reduce((sum, answer) => sum + answer.fetches, 0) / keys.length;
      return { perSecond: (reads * 1_000) / ms, cpu: (cpu * 1_000) / reads, commands: commands / reads, fetches };
    } finally {
      await members.stop();
    }
  },
};
