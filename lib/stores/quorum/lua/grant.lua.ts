import { ANSWER_EACH } from '../../redis/lua/answer-each.lua.js';
import { TAKE } from '../../redis/lua/take.lua.js';
import { CHECK_MARKER } from './check-marker.lua.js';

/**
 * Takes any number of locks on one of several nodes, each independently.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: key of the node's marker ('': none is needed), 3: id of the marker; then per
 *       lock: owner, lease in ms, tokens to reserve, proposed token
 * reply error NOMARKER, see `CHECK_MARKER`; else see `ANSWER_EACH`; detail: first token | "PTTL owner" of the
 * holder (PTTL -1: none)
 *
 * All nodes get the same proposal, so that they choose the same token: a node uses the proposal instead of its own
 * clock if the two differ by at most 100 ms.
 */
export const GRANT = `${ANSWER_EACH}${CHECK_MARKER}${TAKE}
local time = call('TIME')
local micros = time[1] * 1000000 + time[2]

local function attempt(n)
  local lock, owner, lease, tokens, proposal = KEYS[2 * n - 1], unpack(ARGV, 4 * n, 4 * n + 3)
  local function clock()
    if math.abs(proposal - micros) <= 100000 then return proposal + 0, proposal end
    return micros, string.format('%.0f', micros)
  end
  local status, detail = take(lock, KEYS[2 * n], owner, lease, ARGV[1], tokens, clock)
  if status == 0 then detail = detail .. ' ' .. call('HGETALL', lock)[1] end
  return status, detail
end

return answer(#KEYS / 2, attempt)
`;
