import { ANSWER_EACH } from './answer-each.lua.js';
import { PERMITS } from './permits.lua.js';
import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Returns permits, each owner's independently, and publishes how many are available, as Redisson does. An owner that waits
 * gives up its place. See `PERMITS`.
 *
 * Waiters are also notified, of 1 permit, if none is available by the caller's number: of permits that are kept, or that were
 * lost before and may be free, since waiters sleep until the end of the longer lease; of a place that is given up; and of
 * permits that only a process with a larger number can take.
 *
 * KEYS  per request: counter, holds, side key
 * ARGV  1: ms to keep the permits (0: return them now), 2: prefix of the channels, 3: lifetime of the side key in ms; then
 *       per request: the owner's prefix in hex, how many permits it has
 * reply see `ANSWER_EACH`; detail: subscribers that got the notification | 0 (it did not have all of them)
 */
export const RELEASE_PERMITS = `${ANSWER_EACH}${TAGGED}${PUBLISH}${PERMITS}
local keep, channels, ttl = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local function none()
  return false
end

local function leavePlace(side, hex)
  local _, own, _, others = places(call('HGET', side, 'w'), hex, none)
  if own == '' then return false end
  if others == '' then call('HDEL', side, 'w') else call('HSET', side, 'w', others) end
  return true
end

local function attempt(n)
  local key, holds, side = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local hex, take = ARGV[2 * n + 2], tonumber(ARGV[2 * n + 3])
  local prefix = prefixOf(hex)
  readClock()
  local counter = counted(key)
  if type(counter) == 'table' then return counter end
  local waited = leavePlace(side, hex)
  local own = {}
  for index = 0, take - 1 do
    local each = member(prefix, index)
    if call('ZSCORE', holds, each) then own[#own + 1] = each end
  end
  local had = #own
  local empties = keep == 0 and had > 0 and call('ZCARD', holds) == had
  if not empties then
    for _, each in ipairs(own) do
      if keep > 0 then call('ZADD', holds, whole(millis + keep), each) else call('ZREM', holds, each) end
    end
  end
  local available = 0
  if keep > 0 then
    if had > 0 then call('HSET', side, 'n' .. prefix, 'kept') end
  else
    call('HDEL', side, 'n' .. prefix)
    if had > 0 and counter ~= 'none' then available = call('INCRBY', key, had) end
  end
  if had > 0 then keepKeys(key, not empties and holds, side, ttl) end
  if empties then call('DEL', holds) end
  local lost = had < take and (counter == 'none' or counter > 0)
  local told = 0
  if had > 0 or waited or lost then told = publish(channels .. tagged(key), whole(math.max(available, 1))) end
  if had < take then return 0, 0 end
  return 1, told
end

return answer(#KEYS / 3, attempt)
`;
