import { READ_WRITE } from './read-write.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Reads one lock, or one read-write lock.
 *
 * KEYS  1: lock hash
 * ARGV  1: prefix of the token key
 * reply owner ('' if free; of several readers one), holds, PTTL (-1: none, -2: free), last token ('' if unknown), mode
 *       ('' if it is no read-write lock)
 *
 * The token key is not in KEYS, for the reason given at `RENEW`.
 */
export const INSPECT = `${TAGGED}${READ_WRITE}
local left = call('PTTL', KEYS[1])
local token = redis.pcall('GET', ARGV[1] .. tagged(KEYS[1]))
if type(token) ~= 'string' then token = '' end
if left == -2 then return {'', 0, left, token, ''} end
local fields, mode, owner, holds = call('HGETALL', KEYS[1]), '', nil, 0
for i = 1, #fields, 2 do
  if fields[i] == 'mode' then mode = fields[i + 1] end
end
for i = 1, #fields, 2 do
  local ended = mode == 'read' and leftOf(KEYS[1], fields[i], fields[i + 1]) == -2
  if fields[i] ~= 'mode' and not ended then
    owner = owner or fields[i]
    holds = holds + math.floor(tonumber(fields[i + 1]) or 0)
  end
end
return {owner or '', holds, left, token, mode}
`;
