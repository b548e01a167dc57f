import { ANSWER_EACH } from './answer-each.lua.js';

/**
 * Takes any number of locks, each by itself.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms, 3: tokens to reserve for each ('': they come last); then per
 *       lock: owner; then per lock, if not given before: tokens to reserve
 * reply as `ANSWER_EACH` has it; detail: first token | holder's PTTL (-1: none)
 *
 * The token is written before the lock: if the server refuses any of the writes, no lock is left behind, least of all one
 * that never expires. The token is the larger of "stored + 1" and the server's clock in µs, so it grows over a flush, a
 * restart and a failover, too.
 *
 * An owner that holds the lock already gets its lease prolonged, never made shorter: the request may be an older one that
 * arrives late.
 *
 * A number costs Redis more to pass on than a string, hence the clock as it came.
 */
export const ACQUIRE = `${ANSWER_EACH}
local call = redis.call
local ttl, lease, each = ARGV[1], ARGV[2], ARGV[3]
local count = #KEYS / 2
local clock, micros

local function attempt(n)
  local lock, counter, owner = KEYS[2 * n - 1], KEYS[2 * n], ARGV[3 + n]
  local tokens = each ~= '' and each or ARGV[3 + count + n]
  local left = call('PTTL', lock)
  if left ~= -2 then
    if call('HEXISTS', lock, owner) == 0 then return 0, left end
    if left < tonumber(lease) then call('PEXPIRE', lock, lease) end
    local last = call('GET', counter)
    if last then return 1, last - tokens + 1 end
  end
  if not clock then
    local time = call('TIME')
    local digits = time[2]
    if #digits < 6 then digits = string.rep('0', 6 - #digits) .. digits end
    clock = time[1] .. digits
    micros = clock + 0
  end
  local first, reserved = micros, clock
  local last = call('GET', counter)
  if last and last + 1 > first then first = last + 1 end
  if tokens ~= '1' or first ~= micros then reserved = string.format('%.0f', first + tokens - 1) end
  call('SET', counter, reserved, 'PX', ttl)
  if left ~= -2 then return 1, first end
  call('HSET', lock, owner, '1')
  local done = redis.pcall('PEXPIRE', lock, lease)
  if done ~= 1 then
    call('HDEL', lock, owner)
    return done
  end
  return 1, first
end

return answer(count, attempt)
`;
