import { ANSWER_EACH } from '../../redis/lua/answer-each.lua.js';
import { PUT } from '../../redis/lua/take.lua.js';
import { CHECK_MARKER } from './check-marker.lua.js';

/**
 * Writes tokens to one of several nodes, each only if the owner still holds the lock there, or may take it there again.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: key of the node's marker ('': none is needed), 3: id of the marker; then per
 *       lock: owner, last token reserved, lease in ms to take a free lock with ('0': only where the owner holds it)
 * reply error NOMARKER, see `CHECK_MARKER`; else see `ANSWER_EACH`; done: held and written
 *
 * The owner is checked because a late write would raise the token of a lock that another owner holds by now. A node
 * that already stores a larger token does not confirm: its grant came after the token had been chosen, and another
 * caller may have got the same token from other nodes.
 */
export const CONFIRM = `${ANSWER_EACH}${CHECK_MARKER}${PUT}
local ttl = ARGV[1]

local function attempt(n)
  local lock, counter = KEYS[2 * n - 1], KEYS[2 * n]
  local owner, last, lease = ARGV[3 * n + 1], ARGV[3 * n + 2], ARGV[3 * n + 3]
  local held = call('HEXISTS', lock, owner) == 1
  if not held and (lease == '0' or call('PTTL', lock) ~= -2) then return 0, 0 end
  local stored = call('GET', counter)
  if held and lease == '0' and stored and stored + 0 > last + 0 then return 0, 0 end
  if not stored or stored + 0 < last + 0 then call('SET', counter, last, 'PX', ttl) end
  if held then return 1, 0 end
  local refused = put(lock, owner, lease)
  if refused then return refused end
  return 1, 0
end

return answer(#KEYS / 2, attempt)
`;
