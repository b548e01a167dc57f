import { ANSWER_EACH } from './answer-each.lua.js';
import { CLOCK } from './clock.lua.js';
import { PLACE_MS, PLACES } from './places.lua.js';
import { READ_WRITE } from './read-write.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Takes any number of read-write locks, each independently, to read or to write, see `READ_WRITE`. A writer's tokens are the
 * server's clock in µs, a reader's token is that of the last writer.
 *
 * KEYS  per request: lock hash, token string, order, the reader's timeout key
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms; then per request: owner, tokens to reserve, '1' if it waits
 * reply see `ANSWER_EACH`; detail: token | ms until the lock is free, or the place before the caller's ends (-1: none has an
 *       end), and 1 if the caller has a place among the waiters, else 0, as "ms:place"
 *
 * Waiters have places in the order in which they asked first. A reader is let in before other readers, but not before a
 * writer who has an earlier place.
 *
 * If the owner already holds the lock, its lease is prolonged, and it gets the same token: the first reply was lost.
 */
export const ACQUIRE_READ_WRITE = `${ANSWER_EACH}${TAGGED}${CLOCK}${PLACES}${READ_WRITE}
local ttl, lease = ARGV[1], tonumber(ARGV[2])

local function any()
  return true
end

local function issue(counter, tokens)
  local first = micros
  local last = call('GET', counter)
  if last and last + 1 > first then first = last + 1 end
  call('SET', counter, whole(first + tokens - 1), 'PX', ttl)
  return whole(first)
end

local function lastOf(counter)
  local last = call('GET', counter)
  if last then call('PEXPIRE', counter, ttl) else
    last = whole(micros)
    call('SET', counter, last, 'PX', ttl)
  end
  return last
end

-- An error if the server refuses the expiry: then the lock is as before.
local function put(lock, owner, left)
  call('HSET', lock, 'mode', writes(owner) and 'write' or 'read', owner, '1')
  local done = left < lease and redis.pcall('PEXPIRE', lock, ARGV[2]) or 1
  if done == 1 then return end
  if left == -2 then call('DEL', lock) else call('HDEL', lock, owner) end
  return done
end

local function again(lock, counter, timeout, owner, tokens, left)
  if left < lease then call('PEXPIRE', lock, ARGV[2]) end
  if writes(owner) then
    local last = call('GET', counter)
    return 1, last and whole(last - tokens + 1) or issue(counter, tokens)
  end
  if call('PTTL', timeout) < lease then call('PEXPIRE', timeout, ARGV[2]) end
  return 1, lastOf(counter)
end

local function keep(order, entries)
  if entries == '' then call('DEL', order) else call('SET', order, entries, 'PX', ${String(PLACE_MS)}) end
end

local function attempt(n)
  local lock, counter, order, timeout = KEYS[4 * n - 3], KEYS[4 * n - 2], KEYS[4 * n - 1], KEYS[4 * n]
  local owner, tokens, waits = ARGV[3 * n], tonumber(ARGV[3 * n + 1]), ARGV[3 * n + 2] == '1'
  local mode, left = call('HGET', lock, 'mode'), call('PTTL', lock)
  if not mode and left ~= -2 then return redis.error_reply('WRONGTYPE The key is a lock of another kind') end
  readClock()
  if mode and call('HEXISTS', lock, owner) == 1 and (writes(owner) or call('EXISTS', timeout) == 1) then
    return again(lock, counter, timeout, owner, tokens, left)
  end
  local since, own, ends, others = places(call('GET', order), owner, writes(owner) and any or writes)
  if ends or mode == 'write' or (mode and writes(owner)) then
    if waits then own = place(owner, since) end
    keep(order, own .. others)
    if mode and left >= 0 then ends = math.min(millis + left, ends or millis + left) end
    return 0, whole(ends and math.max(1, ends - millis) or -1) .. (own ~= '' and ':1' or ':0')
  end
  local token = writes(owner) and issue(counter, tokens) or lastOf(counter)
  if not writes(owner) then call('SET', timeout, '1', 'PX', ARGV[2]) end
  local refused = put(lock, owner, left)
  if refused then return refused end
  if since then keep(order, others) end
  return 1, token
end

return answer(#KEYS / 4, attempt)
`;
