import { ANSWER_EACH } from './answer-each.lua.js';
import { TAKE } from './take.lua.js';

/**
 * Takes any number of locks, each independently, see `TAKE`. Tokens are the server's clock in µs.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms, 3: tokens to reserve for each ('': they come last); then per
 *       lock: owner; then per lock, if not given before: tokens to reserve
 * reply see `ANSWER_EACH`; detail: first token | holder's PTTL (-1: none)
 */
export const ACQUIRE = `${ANSWER_EACH}${TAKE}
local ttl, lease, each = ARGV[1], ARGV[2], ARGV[3]
local count = #KEYS / 2
local micros, digits

local function clock()
  if not micros then
    local time = call('TIME')
    digits = time[1] .. string.rep('0', 6 - #time[2]) .. time[2]
    micros = digits + 0
  end
  return micros, digits
end

local function attempt(n)
  local tokens = each ~= '' and each or ARGV[3 + count + n]
  return take(KEYS[2 * n - 1], KEYS[2 * n], ARGV[3 + n], lease, ttl, tokens, clock)
end

return answer(count, attempt)
`;
