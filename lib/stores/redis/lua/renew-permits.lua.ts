import { ANSWER_EACH } from './answer-each.lua.js';
import { PERMITS } from './permits.lua.js';

/**
 * Renews the lease of permits, each owner's independently and only if it still has all of them. See `PERMITS`; and `RENEW`
 * for why a request that shortens a lease has a number.
 *
 * KEYS  per request: counter, holds, side key
 * ARGV  1: lifetime of the side key in ms, 2: lease in ms, 3: '1' to make a longer lease shorter; then per request: the
 *       owner's prefix in hex, how many permits it has, how many requests with '1' were sent for it, including this one
 * reply see `ANSWER_EACH`; not done: not the holder
 */
export const RENEW_PERMITS = `${ANSWER_EACH}${PERMITS}
local ttl, lease, exact = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'

local function attempt(n)
  local key, holds, side = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local prefix, take, number = prefixOf(ARGV[3 * n + 1]), tonumber(ARGV[3 * n + 2]), tonumber(ARGV[3 * n + 3])
  readClock()
  local scores = {}
  for index = 0, take - 1 do
    scores[index] = call('ZSCORE', holds, member(prefix, index))
    if not scores[index] then return 0, 0 end
  end
  local last = call('HGET', side, 'n' .. prefix)
  if last == 'kept' then return 0, 0 end
  local newer = number > (tonumber(last) or 0)
  if newer then call('HSET', side, 'n' .. prefix, number) end
  for index = 0, take - 1 do
    if (newer and exact) or tonumber(scores[index]) < millis + lease then
      call('ZADD', holds, whole(millis + lease), member(prefix, index))
    end
  end
  keepKeys(key, holds, side, ttl)
  return 1, 0
end

return answer(#KEYS / 3, attempt)
`;
