import { ANSWER_EACH } from './answer-each.lua.js';
import { CLOCK } from './clock.lua.js';
import { PLACE_MS, PLACES } from './places.lua.js';
import { PUBLISH } from './publish.lua.js';
import { READ_WRITE } from './read-write.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Releases any number of read-write locks, each independently and only if the owner still holds it, see `READ_WRITE`, and
 * publishes the notifications of Redisson: "0" when the last reader has left, "1" after a writer. An owner that waits gives up
 * its place.
 *
 * KEYS  per request: lock hash, the reader's timeout key (of a writer: the lock hash)
 * ARGV  1: ms to keep the locks (0: free them now), 2: prefix of the channels, 3: prefix of orders; then per request: owner
 * reply see `ANSWER_EACH`; detail: subscribers that got the notification | 0 (not the holder)
 *
 * The order is not in KEYS, for the reason given at `RENEW`. If it is on another server, the place ends by itself.
 *
 * A notification is also sent if somebody waits, and the readers that are left have leases that end sooner; for a place that
 * is given up; and for a lock that is already free, or kept, see `RELEASE`.
 */
export const RELEASE_READ_WRITE = `${ANSWER_EACH}${TAGGED}${PUBLISH}${CLOCK}${PLACES}${READ_WRITE}
local keep, channels = ARGV[1], ARGV[2]

local function none()
  return false
end

local function leavePlace(lock, owner)
  local order = ARGV[3] .. tagged(lock)
  local text = redis.pcall('GET', order)
  if type(text) ~= 'string' then return false end
  readClock()
  local _, own, _, others = places(text, owner, none)
  if own == '' then return false end
  if others == '' then redis.pcall('DEL', order) else redis.pcall('SET', order, others, 'PX', ${String(PLACE_MS)}) end
  return true
end

local function holds(lock, owner, timeout)
  if call('HEXISTS', lock, owner) == 0 then return false end
  return writes(owner) or call('EXISTS', timeout) == 1
end

-- Whether the lock is free now, or free sooner than waiters know: those that read on have shorter leases.
local function leave(lock, owner, timeout)
  local before = call('PTTL', lock)
  call('HDEL', lock, owner)
  if not writes(owner) then call('DEL', timeout) end
  local mode, left = call('HGET', lock, 'mode'), readFor(lock)
  if left > 0 then
    if mode ~= 'read' or left >= before then return false end
    call('PEXPIRE', lock, left)
    return redis.pcall('EXISTS', ARGV[3] .. tagged(lock)) == 1
  end
  -- A writer of Redisson who reads, too.
  if mode == 'write' and not writes(owner) then return false end
  call('DEL', lock)
  return true
end

local function attempt(n)
  local lock, timeout, owner = KEYS[2 * n - 1], KEYS[2 * n], ARGV[n + 3]
  local held, changed = holds(lock, owner, timeout), leavePlace(lock, owner)
  if held and keep ~= '0' then
    changed = true
    if writes(owner) then
      redis.pcall('HSET', lock, owner, '0')
      call('PEXPIRE', lock, keep)
    else
      redis.pcall('SET', timeout, '0', 'PX', keep)
      call('PEXPIRE', timeout, keep)
      call('PEXPIRE', lock, readFor(lock))
    end
  elseif call('HEXISTS', lock, owner) == 1 then
    changed = leave(lock, owner, timeout) or changed
  elseif call('PTTL', lock) == -2 then changed = true end
  local told = changed and publish(channels .. tagged(lock), writes(owner) and '1' or '0') or 0
  if held then return 1, told end
  return 0, 0
end

return answer(#KEYS / 2, attempt)
`;
