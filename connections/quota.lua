-- One budget: an exact sliding window, a daily count, and what the vendor itself says, on Redis' own clock.
--
-- KEYS  1 grants   sorted set: "<us>:<count>" at the time of the grants, rounded up to the next STEP
--       2 state    hash: day, spent, trial, frozen, acted, heard, max, daily (times in microseconds)
--       3 waiting  sorted set: the processes of this precedence that asked and got nothing, until when
-- ARGV  1 command, then
--       take    limit per_day want precedence window asker  max remaining daily daily_left age took
--       give    stamp count
--       freeze  microseconds
--       record  window then pairs of age and count (what was granted while this Redis was away)
-- take returns {granted, wait in microseconds, stamp}; numbers that are not known come as "".

local grants, state, waiting = KEYS[1], KEYS[2], KEYS[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local SECOND, HOUR, DAY = 1000000, 3600000000, 86400000000
local MEMORY = 5 * SECOND      -- grants are kept this much longer than the window, to compare with what the vendor says
local RECENT = 60 * SECOND     -- a reserve is held for actions when one was asked for in this time
local LEAST_WAIT = SECOND / 50 -- tokens that come free one by one are collected for so long
-- Grants of one step are counted together, at its end, so that a large quota is not kept as many small ones.
local STEP = (tonumber(ARGV[2]) or 0) > 1000 and SECOND / 20 or SECOND / 500

local function step(time) return math.ceil(time / STEP) * STEP end

-- Adds to (or takes from) what was granted in that step; what was there is returned.
local function add(stamp, count)
  local member = redis.call('ZRANGEBYSCORE', grants, stamp, stamp)[1]
  local held = member and tonumber(string.match(member, ':(%d+)$')) or 0
  if member then redis.call('ZREM', grants, member) end
  if held + count > 0 then redis.call('ZADD', grants, stamp, string.format('%.0f:%.0f', stamp, held + count)) end
  return held
end

local function listed()
  local found = {}
  for _, member in ipairs(redis.call('ZRANGE', grants, 0, -1)) do
    local stamp, count = string.match(member, '^(%d+):(%d+)$')
    found[#found + 1] = {tonumber(stamp), tonumber(count)}
  end
  return found
end

local function sum(entries, after, upto)
  local total = 0
  for _, entry in ipairs(entries) do
    if entry[1] > after and entry[1] <= upto then total = total + entry[2] end
  end
  return total
end

local function keep(window)
  redis.call('PEXPIRE', grants, math.ceil((window + MEMORY) / 1000))
  redis.call('EXPIRE', state, 172800)
end

if ARGV[1] == 'give' then
  local count = math.min(add(tonumber(ARGV[2]), -ARGV[3]), ARGV[3])
  redis.call('HINCRBY', state, 'spent', -count)
  return count
end

if ARGV[1] == 'freeze' then
  local frozen = tonumber(redis.call('HGET', state, 'frozen')) or 0
  redis.call('HSET', state, 'frozen', math.max(frozen, now + ARGV[2]))
  redis.call('EXPIRE', state, 172800)
  return 1
end

if ARGV[1] == 'record' then
  for at = 3, #ARGV, 2 do
    add(step(now - ARGV[at]), ARGV[at + 1])
    redis.call('HINCRBY', state, 'spent', ARGV[at + 1])
  end
  keep(tonumber(ARGV[2]))
  return 1
end

local limit, per_day, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local is_action, window, asker = ARGV[5] == 'action', tonumber(ARGV[6]), ARGV[7]
local max, remaining, daily, daily_left = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local heard_at, took = now - (tonumber(ARGV[12]) or 0), tonumber(ARGV[13]) or 0

local known = redis.call('HMGET', state, 'day', 'spent', 'trial', 'frozen', 'acted', 'heard', 'max', 'daily')
local day, spent, trial = tonumber(known[1]), tonumber(known[2]) or 0, tonumber(known[3])
local frozen, acted, heard = tonumber(known[4]) or 0, tonumber(known[5]) or 0, tonumber(known[6]) or 0
local today = math.floor(now / DAY)
if day ~= today then spent, trial = 0, nil end

redis.call('ZREMRANGEBYSCORE', grants, '-inf', now - window - MEMORY)
local entries = listed()

-- What the vendor says: limits that differ, and requests that are not ours.
if max or daily then
  redis.call('HSET', state, 'max', max or known[7] or '', 'daily', daily or known[8] or '')
end
limit = math.min(limit, max or tonumber(known[7]) or limit)
per_day = math.min(per_day, daily or tonumber(known[8]) or per_day)
if (remaining or daily_left) and heard_at > heard then
  local others = remaining and max and (max - remaining) - sum(entries, heard_at - window - took, step(heard_at)) or 0
  if others > 0 then
    add(step(heard_at), others)
    entries = listed()
  end
  local spent_there = daily_left and daily and daily - daily_left
  -- Far less than ours: the vendor's day has begun anew, at another hour than ours.
  if spent_there and (spent_there > spent or spent_there < spent - 1000) then spent, trial = spent_there, nil end
  redis.call('HSET', state, 'heard', heard_at)
end

-- Processes that asked and got nothing are in line: they share what is free, and each is told to come back for one
-- token after those of the processes before it, so that not all of them wake for every token.
redis.call('ZREM', waiting, asker)
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now)
local in_line = redis.call('ZCARD', waiting)

-- How much is free now, in the window and in the day. Polls leave a part of both to actions.
if is_action and want > 0 then acted = now end
local reserve = not is_action and now - acted < RECENT and 0.2 or 0
local allowed = limit - math.floor(limit * reserve)
local free = allowed - sum(entries, now - window, step(now))
local free_today = per_day - spent - (is_action and 0 or math.floor(per_day * 0.1))
local wait = 0
if now < frozen then
  free, wait = 0, frozen - now
elseif free_today <= 0 then
  -- The vendor's day may end at another hour than ours: one request an hour finds out.
  trial = trial or now + HOUR
  if now >= trial then
    free_today, trial = 1, now + HOUR
  else
    wait = math.min((today + 1) * DAY, trial) - now
  end
elseif free <= 0 then
  local need = 1 - free + in_line
  for _, entry in ipairs(entries) do
    if entry[1] > now - window then
      need = need - entry[2]
      wait = entry[1] + window - now
      if need <= 0 then break end
    end
  end
end

local granted = math.max(0, math.min(want, math.ceil(free / (in_line + 1)), free, free_today))
if granted > 0 then
  add(step(now), granted)
  spent, wait = spent + granted, 0
elseif want > 0 then
  wait = math.max(wait, LEAST_WAIT)
  redis.call('ZADD', waiting, now + wait + SECOND, asker)
  redis.call('PEXPIRE', waiting, math.ceil((wait + 2 * SECOND) / 1000))
end
redis.call('HSET', state, 'day', today, 'spent', spent, 'trial', trial and trial or '', 'acted', acted)
keep(window)
return {granted, math.ceil(wait), step(now)}
