import { ANSWER_EACH } from './answer-each.lua.js';

/**
 * Sets the lease of any number of locks, each by itself and only where the owner still holds it. The token key lives as
 * long again as after an acquisition.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms; then per lock: owner
 * reply as `ANSWER_EACH` has it; not done: not the holder
 */
export const RENEW = `${ANSWER_EACH}
local ttl, lease = ARGV[1], ARGV[2]

local function attempt(n)
  local lock, counter, owner = KEYS[2 * n - 1], KEYS[2 * n], ARGV[n + 2]
  if redis.call('HEXISTS', lock, owner) == 0 then return 0, 0 end
  redis.call('PEXPIRE', lock, lease)
  redis.call('PEXPIRE', counter, ttl)
  return 1, 0
end

return answer(#KEYS / 2, attempt)
`;
