import { PLACE_MS } from './places.lua.js';

/**
 * Lua for the queue of a fair lock, in the layout of Redisson's RFairLock, and one key of this library:
 *
 * - the queue: a list of all waiters, the next one first
 * - the deadlines: a sorted set. A waiter whose deadline (in ms) has passed is dropped when it is the next one. Redisson reads it
 *   for every waiter, this library only for those of Redisson
 * - the places: a hash of the waiters of this library, with `since` in µs and `until` in ms as "since:until". Each waiter asks
 *   again every 3 s, and is dropped when it is the next one and `until` has passed
 *
 * Needs `CLOCK`.
 */
export const FAIR = `
local call = redis.call

local function placeOf(places, waiter)
  local since, last = string.match(call('HGET', places, waiter) or '', '^(%d+):(%d+)$')
  if since then return tonumber(since), tonumber(last) end
end

-- For how long a waiter keeps its place, in ms; 0 or less: it has none.
local function leftOf(deadlines, places, waiter)
  local since, last = placeOf(places, waiter)
  if since then
    -- If the server's clock was set back, an old place would last for long.
    return last - millis <= ${String(PLACE_MS)} and last - millis or 0
  end
  return math.ceil((tonumber(call('ZSCORE', deadlines, waiter)) or 0) - millis)
end

local function forget(queue, deadlines, places, waiter)
  call('LREM', queue, 1, waiter)
  call('ZREM', deadlines, waiter)
  call('HDEL', places, waiter)
end

-- The next waiter and for how long it keeps its place; and whether others before it were dropped.
local function nextOf(queue, deadlines, places)
  local dropped = false
  while true do
    local waiter = call('LINDEX', queue, 0)
    if not waiter then return nil, 0, dropped end
    local left = leftOf(deadlines, places, waiter)
    if left > 0 then return waiter, left, dropped end
    forget(queue, deadlines, places, waiter)
    dropped = true
  end
end

-- The latest deadline of Redisson's waiters before a waiter (0: there are none), and those of them directly behind it.
local function neighbours(queue, deadlines, places, waiter)
  local before, behind, passed = 0, {}, false
  if call('LLEN', queue) <= call('HLEN', places) then return before, behind end
  for _, each in ipairs(call('LRANGE', queue, 0, -1)) do
    if each == waiter then passed = true
    elseif call('HEXISTS', places, each) == 1 then
      if passed then break end
    elseif passed then behind[#behind + 1] = each
    else before = math.max(before, tonumber(call('ZSCORE', deadlines, each)) or 0) end
  end
  return before, behind
end

-- The first waiter of Redisson.
local function firstForeign(queue, places)
  if call('LLEN', queue) <= call('HLEN', places) then return end
  for _, each in ipairs(call('LRANGE', queue, 0, -1)) do
    if call('HEXISTS', places, each) == 0 then return each end
  end
end
`;
