import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MEMBER = fileURLToPath(new URL('./member.mjs', import.meta.url));

/**
 * Several processes with one subject each. `ask(message)` sends a message to all of them in the same moment and resolves to
 * their answers.
 */
export async function startMembers(count, spec) {
  const members = Array.from({ length: count }, (_, member) =>
    fork(MEMBER, [JSON.stringify({ ...spec, member })], {
      execArgv: ['--expose-gc', '--no-warnings'],
      stdio: 'ignore',
    }),
  );
  const ask = async (message) => {
    const answers = members.map((member) => once(member, 'message'));
    for (const member of members) member.send(message);
    return (await Promise.all(answers)).map(([answer]) => {
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    });
  };
  await Promise.all(members.map((member) => once(member, 'message')));
  return {
    ask,
    async stop() {
      await Promise.all(
        members.map(async (member) => {
          const ended = once(member, 'exit');
          member.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}
