import type { Script } from './run-script.js';

/** Milliseconds after the last sign of life of any worker after which nothing is left beside the queue. */
const KEPT = 60_000;

/**
 * KEYS: when each member was last seen, by the server's clock; their descriptions, each after the digest of its list of
 * jobs; the lists by digest, since all workers of a release have the same. A key of another type is no list of members, so
 * it is removed. A member that was seen in the future was seen before the clock was set back: it joins again.
 */
const PREPARE = `
local types = { 'zset', 'hash', 'hash' }
for i = 1, 3 do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= types[i] then redis.call('DEL', KEYS[i]) end
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function bury(deadAfter)
  local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - deadAfter)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now + deadAfter, '+inf')) do table.insert(dead, id) end
  for _, id in ipairs(dead) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
  end
end
local function see(id)
  redis.call('ZADD', KEYS[1], now, id)
  for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ${String(KEPT)}) end
end
`;

/** ARGV: milliseconds after which a member is dead. */
const EVERYBODY = `
local described, used = {}, {}
for _, description in ipairs(redis.call('HVALS', KEYS[2])) do
  table.insert(described, description)
  local digest = string.match(description, '^([^|]*)|')
  if digest then used[digest] = true end
end
local listed = {}
for _, digest in ipairs(redis.call('HKEYS', KEYS[3])) do
  if used[digest] then
    table.insert(listed, digest)
    table.insert(listed, redis.call('HGET', KEYS[3], digest))
  else
    redis.call('HDEL', KEYS[3], digest)
  end
end
return { described, listed }
`;

/** ARGV: milliseconds after which a member is dead; id, description, digest and list of jobs. Returns all members. */
export const JOIN: Script = {
  name: 'asyncCache:fleetJoin',
  keys: 3,
  lua: `${PREPARE}
bury(tonumber(ARGV[1]))
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5])
see(ARGV[2])
${EVERYBODY}`,
};

/**
 * ARGV: id; milliseconds after which a member is dead. Returns 0 for a member that has to join again; then how many of the
 * members were seen in the future, because the clock of Redis was set back since.
 */
export const BEAT: Script = {
  name: 'asyncCache:fleetBeat',
  keys: 3,
  lua: `${PREPARE}
local inFuture = redis.call('ZCOUNT', KEYS[1], now + 1, '+inf')
bury(tonumber(ARGV[2]))
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return { 0, inFuture } end
see(ARGV[1])
return { 1, inFuture }`,
};

/** ARGV: milliseconds after which a member is dead. Returns all members. */
export const LOOK: Script = {
  name: 'asyncCache:fleetLook',
  keys: 3,
  lua: `${PREPARE}
bury(tonumber(ARGV[1]))
${EVERYBODY}`,
};

/** ARGV: id. */
export const LEAVE: Script = {
  name: 'asyncCache:fleetLeave',
  keys: 3,
  lua: `redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])`,
};
