import { ANSWER_EACH } from '../../redis/lua/answer-each.lua.js';
import { CHECK_MARKER } from './check-marker.lua.js';

/**
 * Takes any number of locks on one of several nodes, each independently.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: key of the node's marker ('': none is needed), 3: id of the marker; then per
 *       lock: owner, lease in ms, tokens to reserve, proposed token
 * reply error NOMARKER, see `CHECK_MARKER`; or as `ANSWER_EACH` has it; detail: first token | "PTTL owner" of the
 * holder (PTTL -1: none)
 *
 * Like the script that takes locks on one server, except that all nodes get the same proposed token, so that they
 * choose the same one: the proposal replaces the server's clock if it is within 100 ms of it.
 */
export const GRANT = `${ANSWER_EACH}${CHECK_MARKER}
local clock = redis.call('TIME')
local micros = clock[1] * 1000000 + clock[2]
local ttl = ARGV[1]

local function attempt(n)
  local lock, counter, owner = KEYS[2 * n - 1], KEYS[2 * n], ARGV[4 * n]
  local lease, tokens, proposal = ARGV[4 * n + 1], ARGV[4 * n + 2], ARGV[4 * n + 3]
  local left = redis.call('PTTL', lock)
  if left ~= -2 then
    if redis.call('HEXISTS', lock, owner) == 0 then
      return 0, left .. ' ' .. redis.call('HGETALL', lock)[1]
    end
    if left < tonumber(lease) then redis.call('PEXPIRE', lock, lease) end
    local last = redis.call('GET', counter)
    if last then return 1, last - tokens + 1 end
  end
  local first = micros
  if math.abs(proposal - micros) <= 100000 then first = tonumber(proposal) end
  local last = redis.call('GET', counter)
  if last and last + 1 > first then first = last + 1 end
  redis.call('SET', counter, string.format('%.0f', first + tokens - 1), 'PX', ttl)
  if left ~= -2 then return 1, first end
  redis.call('HSET', lock, owner, 1)
  local done = redis.pcall('PEXPIRE', lock, lease)
  if done ~= 1 then
    redis.call('HDEL', lock, owner)
    return done
  end
  return 1, first
end

return answer(#KEYS / 2, attempt)
`;
