import { ANSWER_EACH } from '../../redis/lua/answer-each.lua.js';
import { CHECK_MARKER } from './check-marker.lua.js';

/**
 * Writes tokens back on one of several nodes, each only where the owner still holds the lock, or where it may join it
 * again.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: key of the node's marker ('': none is needed), 3: id of the marker; then per
 *       lock: owner, last token reserved, lease in ms to take a free lock with ('0': only where the owner holds it)
 * reply error NOMARKER, see `CHECK_MARKER`; or as `ANSWER_EACH` has it; done: held and written
 *
 * Without the look at the owner, a write that comes late would raise the token of a lock that others hold by now. A larger
 * token that is stored already is one that the owner did not count: its vote here came after the largest was chosen, and
 * behind that of another caller, which may have got the same token elsewhere. Then this node does not answer for it.
 */
export const CONFIRM = `${ANSWER_EACH}${CHECK_MARKER}
local ttl = ARGV[1]

local function attempt(n)
  local lock, counter = KEYS[2 * n - 1], KEYS[2 * n]
  local owner, last, lease = ARGV[3 * n + 1], ARGV[3 * n + 2], ARGV[3 * n + 3]
  local held = redis.call('HEXISTS', lock, owner) == 1
  if not held and (lease == '0' or redis.call('PTTL', lock) ~= -2) then return 0, 0 end
  local stored = redis.call('GET', counter)
  if held and lease == '0' and stored and stored + 0 > last + 0 then return 0, 0 end
  if not stored or stored + 0 < last + 0 then redis.call('SET', counter, last, 'PX', ttl) end
  if held then return 1, 0 end
  redis.call('HSET', lock, owner, 1)
  local done = redis.pcall('PEXPIRE', lock, lease)
  if done ~= 1 then
    redis.call('HDEL', lock, owner)
    return done
  end
  return 1, 0
end

return answer(#KEYS / 2, attempt)
`;
