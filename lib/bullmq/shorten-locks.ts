import type { Worker } from 'bullmq';
import { backendOf } from './backend-of.js';
import { runScript, type Script } from './run-script.js';

/** Milliseconds. Workers of another release may look for dead ones less often, and leave a mark that lasts longer. */
const SLACK = 30_000;

/**
 * KEYS: the mark of the last search for dead workers; the running requests. ARGV: milliseconds for which the mark and the lock
 * of a request may last, the beginning of the locks' names, and `1` to look at them whatever the mark says.
 */
const SHORTEN: Script = {
  name: 'asyncCache:shortenLocks',
  keys: 2,
  lua: `
local isLong = redis.call('PTTL', KEYS[1]) > tonumber(ARGV[1])
if isLong then redis.call('DEL', KEYS[1]) end
if not isLong and ARGV[4] == '0' then return end
for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local lock = ARGV[3] .. id .. ':lock'
  if redis.call('PTTL', lock) > tonumber(ARGV[2]) then redis.call('PEXPIRE', lock, ARGV[2]) end
end`,
};

/**
 * When Redis has set its clock back, BullMQ's locks last longer by as much, and so does the mark that keeps workers from
 * looking for dead ones: the requests of a dead worker, and the keys that wait for them, would wait as long. The mark itself
 * shows a step back that nobody else has noticed. BullMQ has no call for it, so this knows the names of those keys.
 */
export async function shortenLocks(worker: Worker, isClockSetBack: boolean): Promise<void> {
  const { lockDuration, stalledInterval } = worker.opts;
  if (lockDuration === undefined || stalledInterval === undefined) return;
  const keys = [worker.toKey('stalled-check'), worker.toKey('active')];
  const limits = [
    Math.ceil(stalledInterval) + SLACK,
    Math.ceil(lockDuration),
    worker.toKey(''),
    isClockSetBack ? 1 : 0,
  ];
  await runScript(await backendOf(worker).client, SHORTEN, [...keys, ...limits]);
}
