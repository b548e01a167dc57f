import { ANSWER_EACH } from './answer-each.lua.js';
import { CLOCK } from './clock.lua.js';
import { FAIR } from './fair.lua.js';
import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Releases any number of locks, each independently and only if the owner still holds it, and notifies the next waiter, see `FAIR`;
 * without one, the waiters for the exclusive lock. An owner that waits gives up its place.
 *
 * KEYS  per lock: lock hash
 * ARGV  1: ms to keep the locks (0: free them now), 2: prefix of the channels, 3 to 5: prefixes of queues, deadlines and places;
 *       then per lock: owner
 * reply see `ANSWER_EACH`; detail: subscribers that got the notification | 0 (not the holder)
 *
 * The keys of the queue are not in KEYS, for the reason given at `RENEW`. If they are on another server, the waiters look for
 * themselves.
 *
 * If the next waiter gets no notification, since it is dead or does not listen yet, the first waiter of Redisson is notified, too: it
 * would sleep until the end of the lease that it saw. A waiter of this library looks again every 3 s.
 *
 * A notification is also sent for a lock that is already free, see `RELEASE`. Of a lock that is kept, only the waiter knows that
 * was the next one at its release: if it leaves, the one after it is notified.
 */
export const RELEASE_FAIR = `${ANSWER_EACH}${TAGGED}${PUBLISH}${CLOCK}${FAIR}
local keep, channels = ARGV[1], ARGV[2]

-- The next waiter after the owner has left the queue, whether another one was next before, and the first waiter of Redisson.
local function nextWithout(lock, owner)
  local queue, deadlines, places = ARGV[3] .. tagged(lock), ARGV[4] .. tagged(lock), ARGV[5] .. tagged(lock)
  local done, waiter, before, foreign = pcall(function()
    readClock()
    local first = call('LINDEX', queue, 0)
    if placeOf(places, owner) then forget(queue, deadlines, places, owner) end
    return (nextOf(queue, deadlines, places)), first, firstForeign(queue, places)
  end)
  if done then return waiter, waiter ~= (before or nil), foreign end
end

local function attempt(n)
  local lock, owner = KEYS[n], ARGV[n + 5]
  local held = call(keep == '0' and 'HDEL' or 'HEXISTS', lock, owner) == 1
  if held and keep ~= '0' then
    redis.pcall('HSET', lock, owner, '0')
    call('PEXPIRE', lock, keep)
  end
  local waiter, changed, foreign = nextWithout(lock, owner)
  local channel = channels .. tagged(lock)
  local told = 0
  if held or call('PTTL', lock) == -2 or (changed and call('HGETALL', lock)[2] == '0') then
    told = publish(waiter and channel .. ':' .. waiter or channel, '0')
    if told == 0 and foreign and foreign ~= waiter then publish(channel .. ':' .. foreign, '0') end
  end
  if held then return 1, told end
  return 0, 0
end

return answer(#KEYS, attempt)
`;
