import { SCRIPT_LIBRARY } from './script-library.js';

/**
 * The atomic steps of the store. The comment of each names its keys, then its arguments, in their order. Each answers a
 * list that begins with the server's time.
 */
export const scripts = {
  /** entry, lease; token, ms, `''` or `=generation`, respect backoff, take over */
  acquire: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local entry, unread = open(KEYS[1])
if ARGV[3] ~= '' and not unread then
  local wanted = string.sub(ARGV[3], 2)
  local nothing = not (entry and entry.servable)
  if wanted ~= (entry and entry.generation or '') and not (wanted == '' and nothing) then
    return { text(now), 'changed' }
  end
end
local holder = holderOf(KEYS[2])
if holder and ARGV[5] == '0' then
  return { text(now), 'busy', holder.token, text(remainingOf(KEYS[2], math.max(tonumber(ARGV[2]), 10000))) }
end
if ARGV[4] == '1' and entry and entry.retryAt > now then
  return { text(now), 'backoff', text(entry.retryAt - now) }
end
redis.call('SET', KEYS[2], '+' .. ARGV[1], 'PX', ARGV[2])
if not entry then return { text(now), 'granted', '0' } end
local stored = redis.call('HMGET', KEYS[1], 'h', 'v', 'x', 'a')
return { text(now), 'granted', tostring(entry.failures), stored[1], stored[2], stored[3], stored[4] }
`,
  },
  /** lease; token, ms */
  renew: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[1])
if not holder or holder.token ~= ARGV[1] then return { text(now), '0' } end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { text(now), '1' }
`,
  },
  /** entry, lease; token, `1` where a tag was invalidated and `2` where one was removed, granted at, kind, ttl, grace, tags, value, inherited age or `''` */
  commit: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[2])
if not holder or holder.token ~= ARGV[1] then return { text(now), 'lost' } end
redis.call('UNLINK', KEYS[2])
local stale = ARGV[2] == '1' or isRevoked(holder, ARGV[7])
if ARGV[2] == '2' or isMarked(holder, ARGV[7], '!') then return { text(now), 'revoked' } end
if stale then
  local older = open(KEYS[1])
  if ARGV[4] ~= 'value' or not older or older.kind ~= 'value' or not older.servable then return { text(now), 'revoked' } end
end
write(KEYS[1], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[1], ARGV[7], ARGV[8], ARGV[9])
local written = stale and open(KEYS[1])
if written then makeStale(KEYS[1], written) end
return { text(now), stale and 'stale' or 'stored' }
`,
  },
  /** entry, lease; token, how it ended, message, retry in, `1` where a tag was invalidated, tags */
  release: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[2])
if not holder or holder.token ~= ARGV[1] then return { text(now), 'lost' } end
local result = (ARGV[5] == '1' or isRevoked(holder, ARGV[6])) and 'revoked' or 'held'
redis.call('UNLINK', KEYS[2])
if ARGV[2] == 'gone' then redis.call('UNLINK', KEYS[1]) end
if ARGV[2] == 'failed' then
  local entry, unread = open(KEYS[1])
  if unread then return { text(now), result } end
  local retryIn = tonumber(ARGV[4])
  if not entry then
    redis.call('UNLINK', KEYS[1])
    redis.call('HSET', KEYS[1], 'h', header('vacant', text(now), now, 0, '-', '[]'))
  end
  local failures = entry and entry.failures or 0
  local failure = { string.format('%d', failures + 1), text(now), text(now + retryIn), ARGV[3] }
  redis.call('HSET', KEYS[1], 'x', table.concat(failure, ' '))
  -- Kept beyond the next attempts, so that consecutive failures are counted as such.
  local kept = 2 * retryIn + 60000
  if redis.call('PTTL', KEYS[1]) < kept then expire(KEYS[1], kept) end
end
return { text(now), result }
`,
  },
  /** entry, lease; generation, kind, ttl, grace, tags, value, inherited age or `''` */
  set: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
redis.call('UNLINK', KEYS[2])
write(KEYS[1], text(now), ARGV[2], ARGV[3], ARGV[4], ARGV[1], ARGV[5], ARGV[6], ARGV[7])
return { text(now) }
`,
  },
  /** entry, lease */
  invalidate: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[2])
if holder then revoke(KEYS[2], holder) end
local held = holder and '1' or '0'
local entry, unread = open(KEYS[1])
if unread then redis.call('UNLINK', KEYS[1]) end
if not (entry and entry.servable) then return { text(now), '0', held, '' } end
if entry.kind == 'error' then
  redis.call('UNLINK', KEYS[1])
  return { text(now), '0', held, '' }
end
makeStale(KEYS[1], entry)
return { text(now), '1', held, entry.generation, redis.call('HGET', KEYS[1], 'x') }
`,
  },
  /** entry, lease */
  delete: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local entry = open(KEYS[1])
redis.call('UNLINK', KEYS[1], KEYS[2])
return { text(now), entry and entry.servable and '1' or '0' }
`,
  },
  /** entry, lease; tag. Answers 1 when the tag concerns neither the entry nor the lease any more. */
  invalidateTagged: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[2])
local entry, unread = open(KEYS[1])
if unread then redis.call('UNLINK', KEYS[1]) end
if not has(entry, ARGV[1]) then
  if holder then revokeTag(KEYS[2], holder, ARGV[1]) end
  return { text(now), holder and '0' or '1' }
end
if holder then revoke(KEYS[2], holder) end
if entry.kind == 'error' then redis.call('UNLINK', KEYS[1])
elseif entry.servable then makeStale(KEYS[1], entry) end
return { text(now), '0' }
`,
  },
  /** entry, lease; tag. Answers as invalidateTagged. */
  deleteTagged: {
    keys: 2,
    lua: `${SCRIPT_LIBRARY}
local holder = holderOf(KEYS[2])
local entry, unread = open(KEYS[1])
if unread or has(entry, ARGV[1]) then
  redis.call('UNLINK', KEYS[1], KEYS[2])
  return { text(now), '1' }
end
if holder then revokeTag(KEYS[2], holder, ARGV[1], true) end
return { text(now), holder and '0' or '1' }
`,
  },
  /** index, stamp of invalidations, stamp of removals; key, ms the entry will live at most. Answers the tag's stamps, after the key is in the index, and 1 where another value was in the place of the index. */
  tag: {
    keys: 3,
    lua: `${SCRIPT_LIBRARY}
local kind = redis.call('TYPE', KEYS[1]).ok
local foreign = kind ~= 'zset' and kind ~= 'none'
if foreign then redis.call('UNLINK', KEYS[1]) end
local lifetime = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
redis.call('ZADD', KEYS[1], text(now + lifetime), ARGV[1])
if redis.call('PTTL', KEYS[1]) < lifetime then expire(KEYS[1], lifetime) end
return { text(now), stampIn(KEYS[2]), stampIn(KEYS[3]), foreign and '1' or '0' }
`,
  },
  /** entry; tag. Answers whether the entry has the tag, and for how many milliseconds it lives. */
  tagged: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
return { text(now), has(open(KEYS[1]), ARGV[1]) and '1' or '0', text(math.max(0, redis.call('PTTL', KEYS[1]))) }
`,
  },
  /** stamp of invalidations. Answers it. */
  stamped: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
return { text(now), stampIn(KEYS[1]) }
`,
  },
  /** stamp; ms */
  stamp: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
redis.call('SET', KEYS[1], text(now), 'PX', ARGV[1])
return { text(now) }
`,
  },
  /** index. Removes one that is of another type, and answers 1. */
  healIndex: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
local kind = redis.call('TYPE', KEYS[1]).ok
local foreign = kind ~= 'zset' and kind ~= 'none'
if foreign then redis.call('UNLINK', KEYS[1]) end
return { text(now), foreign and '1' or '0' }
`,
  },
  /** index; key, score, key, score … Removes the keys that were not added again since their score was read. */
  untag: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then return { text(now) } end
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return { text(now) }
`,
  },
  /** entry; header as it was read. Removes an entry that could not be read, unless it has been replaced. */
  discard: {
    keys: 1,
    lua: `${SCRIPT_LIBRARY}
local seen = redis.pcall('HGET', KEYS[1], 'h')
if type(seen) == 'table' or (seen or '') == ARGV[1] then redis.call('UNLINK', KEYS[1]) end
return { text(now) }
`,
  },
} as const;

export type ScriptName = keyof typeof scripts;
