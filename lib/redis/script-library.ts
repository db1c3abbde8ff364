/**
 * What the scripts share, in Lua: the server's time, and the layout of the stored keys.
 *
 * An entry is a hash:  h  `1 kind storedAt freshUntil grace generation tags`, the tags in JSON, `1` the format's version
 *                      v  the value's bytes                        (not when vacant)
 *                      a  the age it inherited                     (only where it did: see `Entry.inheritedAge`)
 *                      x  `count at retryAt message`               (only after failures)
 * A lease is a string: `+token`, or `-token` once it is revoked; then a line for each tag under which it is, in JSON, and
 * for a tag whose entries were removed a second one that begins with `!`: an older release knows the first alone.
 * Instants and periods are milliseconds with three decimals: as a plain number Lua would write 1.7e+12.
 */
export const SCRIPT_LIBRARY = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function text(ms) return string.format('%.3f', ms) end

-- A number as this package writes instants and periods, and one that a reader can compute with; else nil. Lua would try
-- each pair of places in a long row of digits, and Redis would stand still meanwhile.
local function number(text)
  local value = text and #text <= 40 and string.match(text, '^%d+%.?%d*$') and tonumber(text)
  if value and value <= 8.64e15 then return value end
end

local function expire(name, ms) redis.call('PEXPIRE', name, string.format('%d', math.ceil(ms))) end

-- nil when there is nothing that this version can read; then true when there is something else. A foreign key of another
-- type is removed, because it is in the way.
local function open(name)
  local fields = redis.pcall('HMGET', name, 'h', 'x')
  if fields.err then redis.call('UNLINK', name) return nil end
  local kind, storedAt, freshUntil, grace, generation, tags =
    string.match(fields[1] or '', '^1 (%l+) (%S+) (%S+) (%S+) (%S+) (%[.*)$')
  local fresh, graceful = number(freshUntil), number(grace)
  if kind ~= 'value' and kind ~= 'error' and kind ~= 'vacant' then fresh = nil end
  if not number(storedAt) or not fresh or not graceful then return nil, type(fields[1]) == 'string' end
  local count, at, retryAt = string.match(fields[2] or '', '^(%d+) (%S+) (%S+) ')
  -- A failure from the future: the server's clock was set back, and its backoff is over. See backingOff in the core.
  if (number(at) or 0) > now + 1000 then retryAt = nil end
  return {
    kind = kind, storedAt = storedAt, freshUntil = fresh, grace = graceful, tags = tags,
    generation = kind == 'vacant' and '' or generation,
    servable = kind ~= 'vacant' and now <= fresh + graceful,
    failures = math.min(number(count) or 0, 1000000), retryAt = number(retryAt) or 0,
  }
end

local function header(kind, storedAt, freshUntil, grace, generation, tags)
  return table.concat({ '1', kind, storedAt, text(freshUntil), text(grace), generation, tags }, ' ')
end

local function write(name, storedAt, kind, ttl, grace, generation, tags, value, inherited)
  redis.call('UNLINK', name)
  local freshUntil = tonumber(storedAt) + tonumber(ttl)
  local remaining = freshUntil + tonumber(grace) - now
  if remaining <= 0 then return end
  redis.call('HSET', name, 'h', header(kind, storedAt, freshUntil, tonumber(grace), generation, tags), 'v', value)
  if inherited ~= '' then redis.call('HSET', name, 'a', inherited) end
  expire(name, remaining)
end

local function holderOf(name)
  local value = redis.pcall('GET', name)
  if not value then return nil end
  local mark, token, tags = string.match(type(value) == 'string' and value or '', '^([+-])([^\\n]*)(.*)$')
  if not mark then redis.call('UNLINK', name) return nil end
  return { token = token, revoked = mark == '-', tags = tags }
end

local function revoke(name, holder)
  if not holder.revoked then redis.call('SET', name, '-' .. holder.token .. holder.tags, 'KEEPTTL') end
end

-- The remaining time of a lease. One without an expiry (somebody used PERSIST) or with more time than anybody asks for
-- (the server's clock was set back, or somebody used EXPIRE) would keep the key from being filled.
local function remainingOf(name, longest)
  local remaining = redis.call('PTTL', name)
  if remaining >= 0 and remaining <= longest then return remaining end
  redis.call('PEXPIRE', name, string.format('%d', longest))
  return longest
end

-- The tags in JSON; nil where they are no list of texts, or no JSON to Lua: half of a surrogate pair is none.
local function tagsIn(json)
  local read, tags = pcall(cjson.decode, json)
  if not read or type(tags) ~= 'table' then return nil end
  for _, each in ipairs(tags) do
    if type(each) ~= 'string' then return nil end
  end
  return tags
end

-- Recorded with the lease, because only the commit knows which tags the value has.
local function revokeTag(name, holder, tag, removed)
  local line = '\\n' .. cjson.encode(tag)
  -- Recorded once: the tag of a slow fetch may be invalidated thousands of times.
  local known = string.find(holder.tags .. '\\n', '\\n' .. (removed and '!' or '') .. cjson.encode(tag) .. '\\n', 1, true)
  if known or (holder.revoked and not removed) then return end
  if removed then line = line .. '\\n!' .. cjson.encode(tag) end
  -- So many tags that the list would make each call slower: from here on every tag counts as invalidated, or as removed.
  if #holder.tags + #line > 8192 then
    if removed then redis.call('UNLINK', name) else revoke(name, holder) end
    return
  end
  local mark = holder.revoked and '-' or '+'
  redis.call('SET', name, mark .. holder.token .. holder.tags .. line, 'KEEPTTL')
end

local function isMarked(holder, tags, mark)
  if holder.tags == '' then return false end
  local listed = tagsIn(tags)
  if not listed then return true end
  for _, tag in ipairs(listed) do
    if string.find(holder.tags .. '\\n', '\\n' .. mark .. cjson.encode(tag) .. '\\n', 1, true) then return true end
  end
  return false
end

local function isRevoked(holder, tags) return holder.revoked or isMarked(holder, tags, '') end

-- When a tag was last invalidated; '0' for what is no time, or is further in the future than a clock is set back: somebody
-- else wrote it, and it would refuse every fetch of the tag.
local function stampIn(name)
  local stamp = redis.pcall('GET', name)
  local at = type(stamp) == 'string' and number(stamp)
  return at and at <= now + 3600000 and stamp or '0'
end

local function has(entry, tag)
  if not entry then return false end
  local tags = tagsIn(entry.tags)
  -- An entry whose tags cannot be read counts as having every tag, since it must not stay fresh after an invalidation.
  if not tags then return true end
  for _, each in ipairs(tags) do
    if each == tag then return true end
  end
  return false
end

-- Stale since before it was stored, which no clock can undo: see isOutdated in the core. It may be served for as long as
-- if it were stale since now.
local function makeStale(name, entry)
  local freshUntil = math.max(0, math.min(entry.freshUntil, now - 1000, tonumber(entry.storedAt) - 1))
  local grace = entry.grace
  if grace > 0 then grace = math.min(entry.freshUntil, now - 1) + grace - freshUntil end
  redis.call('HSET', name, 'h', header(entry.kind, entry.storedAt, freshUntil, grace, entry.generation, entry.tags))
end
`;
