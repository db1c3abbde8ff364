import { watchCommands } from '../harness/commands.mjs';
import { startMembers } from '../harness/members.mjs';
import { predict } from '../harness/scaling-model.mjs';

export default {
  order: 19,
  title: 'The predictions of docs/scaling.md',
  about:
    'Processes that read all keys evenly and at random, in an open loop, and refresh what is stale, for three times the ttl after a warm-up as long. A second of it, as the model says and as it was; the error in per cent of what was measured.',
  tiers: ['redis', 'near'],
  subjects: ['nestjs-async-cache'],
  quickly: [{ keys: 200, reads: 200, processes: 1, ttl: 1 }],
  variants: [
    { keys: 300, reads: 300, processes: 1, ttl: 2 },
    { keys: 300, reads: 300, processes: 4, ttl: 2 },
    { keys: 1_000, reads: 400, processes: 2, ttl: 10 },
    { keys: 100, reads: 800, processes: 4, ttl: 2 },
  ],
  columns: [
    { key: 'refreshes', title: 'refreshes', digits: 1 },
    { key: 'predictedRefreshes', title: 'predicted', digits: 1 },
    { key: 'refreshesError', title: 'error, %', digits: 1 },
    { key: 'commands', title: 'commands of Redis' },
    { key: 'predictedCommands', title: 'predicted' },
    { key: 'commandsError', title: 'error, %', digits: 1 },
  ],
  async measure({ variant, file, tier, url, prefix }) {
    const { keys: count, reads, processes, ttl } = variant;
    const members = await startMembers(processes, { file, tier, url, prefix, ttl, stale: 3_600, fetchMs: 5 });
    try {
      const keys = Array.from({ length: count }, (_, index) => `key-${index}`);
      const load = { command: 'steady', keys, perSecond: reads / processes, seconds: 3 * ttl };
      await members.ask({ command: 'fill', keys });
      await members.ask(load);
      const watch = await watchCommands(url, { monitors: false });
      await watch.start();
      const answers = await members.ask(load);
      const { commands } = await watch.stop();
      watch.close();
      const fetches = answers.reduce((sum, answer) => sum + answer.fetches, 0);
      const measured = { refreshes: fetches / load.seconds, commands: commands / load.seconds };
      const predicted = predict({ ...variant, hasNear: tier === 'near' });
      return {
        ...measured,
        predictedRefreshes: predicted.refreshes,
        predictedCommands: predicted.commands,
        refreshesError: errorOf(predicted.refreshes, measured.refreshes),
        commandsError: errorOf(predicted.commands, measured.commands),
      };
    } finally {
      await members.stop();
    }
  },
};

function errorOf(predicted, measured) {
  return (predicted / measured - 1) * 100;
}
