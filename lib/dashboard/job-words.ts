import { inWords } from '../core/policy/duration.js';
import type { JobCore } from '../core/job/job-core.js';
import type { Timing } from '../core/ports.js';

/** The options of a job in words, one a line: the times first, then what differs from the defaults. */
export function jobWords({ policy, definition, batchSize }: JobCore): string[] {
  const { queue, jitter, version, store, refreshEvery } = policy;
  const lines = [sentence(policy.summary)];
  const say = (isSo: unknown, line: string): void => {
    if (isSo !== undefined && isSo !== false) lines.push(line);
  };
  say(policy.fetchTimeout !== policy.refreshTimeout, `A fetch is given up after ${inWords(policy.fetchTimeout)}.`);
  say(jitter > 0, `Expiry is spread over ${String(Math.round(jitter * 100))} % of the fresh period.`);
  say(
    refreshEvery,
    `Chosen arguments are refreshed ${refreshEvery === undefined ? '' : timingWords(refreshEvery.timing)}.`,
  );
  say(policy.warmOnStart, 'Chosen arguments are filled at start-up.');
  say(definition.fetchMany, `Up to ${String(batchSize)} keys are fetched at once by fetchMany.`);
  say(policy.key, 'The key is made by key().');
  say(policy.prepareArgs, 'Arguments go through prepareArgs().');
  say(policy.processResult, 'Every read goes through processResult().');
  say(version, `Its version is ${String(version)}.`);
  say(store, `Its values are in the store ${String(store)}.`);
  say(queue.priority, `Its requests have priority ${String(queue.priority)}.`);
  say(queue.attempts, `A request is tried ${String(queue.attempts)} times.`);
  say(queue.delay, `A request waits at least ${inWords(queue.delay ?? 0)}.`);
  say(!policy.readOnly, 'Each reader gets a copy of its own.');
  say(!policy.nested, 'Cached values that its fetch reads do not make it older.');
  say(!policy.context, 'Its values are the same in every context.');
  return lines;
}

function timingWords(timing: Timing): string {
  if ('every' in timing) return `every ${inWords(timing.every)}`;
  return `at the times ${timing.pattern}${timing.tz === undefined ? '' : ` of ${timing.tz}`}`;
}

function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}
