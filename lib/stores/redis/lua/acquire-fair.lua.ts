import { ANSWER_EACH } from './answer-each.lua.js';
import { CLOCK } from './clock.lua.js';
import { FAIR } from './fair.lua.js';
import { PLACE_MS } from './places.lua.js';
import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';
import { TAKE } from './take.lua.js';

/**
 * Takes any number of locks, each independently, if the owner is the next waiter or there is none, see `FAIR` and `TAKE`.
 *
 * KEYS  per request: lock hash, token string, queue, deadlines, places
 * ARGV  1: lifetime of a token key, and of a queue whose waiters have all died, in ms, 2: lease in ms, 3: prefix of the
 *       channels; then per request: owner, '1' if it waits
 * reply see `ANSWER_EACH`; detail: token | ms until the lock is free, or the place of the next waiter ends (-1: no end), and 1 if
 *       the caller has a place among the waiters, else 0, as "ms:place"
 *
 * Scripts of Redisson, whose clock may be ahead, drop a waiter of this library that is still there: it gets its place back.
 */
export const ACQUIRE_FAIR = `${ANSWER_EACH}${TAGGED}${PUBLISH}${CLOCK}${TAKE}${FAIR}
local ttl, lease, channels = ARGV[1], ARGV[2], ARGV[3]

local function clock()
  return micros, digits
end

-- Before the waiters that came later, as far as that is known.
local function insert(queue, places, owner, since)
  local index = 0
  while true do
    local waiter = call('LINDEX', queue, index)
    if not waiter then return call('RPUSH', queue, owner) end
    local other = placeOf(places, waiter)
    if not other or other > since then return call('LINSERT', queue, 'BEFORE', waiter, owner) end
    index = index + 1
  end
end

-- Redisson's waiters count their deadlines from the one before them, and move those behind them up when they leave: by 5 minutes, or
-- by the time of their tryLock. So the deadline of a waiter behind them is later than its place lasts by what they will take off; and
-- the deadlines of those behind it move with its own.
local function keepPlace(queue, deadlines, places, owner, since, last)
  -- If only the queue was deleted or evicted, its waiters get their places back.
  if call('LLEN', queue) == 0 then call('DEL', deadlines) end
  local score = tonumber(call('ZSCORE', deadlines, owner))
  if not score then
    if since then insert(queue, places, owner, since) else call('RPUSH', queue, owner) end
  end
  local place = millis + ${String(PLACE_MS)}
  call('HSET', places, owner, whole(since or micros) .. ':' .. whole(place))
  call('PEXPIRE', places, ${String(PLACE_MS)})
  local before, behind = neighbours(queue, deadlines, places, owner)
  local deadline = place
  if before > 0 and score and last then deadline = math.max(place, place + score - last)
  elseif before > millis then deadline = before + ${String(PLACE_MS)} end
  call('ZADD', deadlines, whole(deadline), owner)
  if score then
    for _, waiter in ipairs(behind) do
      if call('ZSCORE', deadlines, waiter) then call('ZINCRBY', deadlines, whole(deadline - score), waiter) end
    end
  end
  call('PEXPIRE', queue, ttl)
  call('PEXPIRE', deadlines, ttl)
end

local function attempt(n)
  local lock, counter, queue, deadlines, places = unpack(KEYS, 5 * n - 4, 5 * n)
  local owner, waits = ARGV[2 * n + 2], ARGV[2 * n + 3] == '1'
  local left = call('PTTL', lock)
  if left ~= -2 and call('HEXISTS', lock, 'mode') == 1 then
    return redis.error_reply('WRONGTYPE The key is a read-write lock')
  end
  readClock()
  if left ~= -2 and call('HEXISTS', lock, owner) == 1 then return take(lock, counter, owner, lease, ttl, '1', clock) end
  local since, last = placeOf(places, owner)
  if since then keepPlace(queue, deadlines, places, owner, since, last) end
  local waiter, keeps, dropped = nextOf(queue, deadlines, places)
  if left == -2 and (not waiter or waiter == owner) then
    local status, detail = take(lock, counter, owner, lease, ttl, '1', clock)
    if status == 1 and (since or waiter) then forget(queue, deadlines, places, owner) end
    return status, detail
  end
  if waits and not since then keepPlace(queue, deadlines, places, owner) end
  if left == -2 then
    if dropped then publish(channels .. tagged(lock) .. ':' .. waiter, '0') end
    left = keeps
  end
  return 0, whole(left) .. ((waits or since) and ':1' or ':0')
end

return answer(#KEYS / 5, attempt)
`;
