/**
 * Reads one lock.
 *
 * KEYS  1: lock hash, 2: token string
 * reply owner ('' if free), holds, PTTL (-1: none, -2: free), last token ('' if unknown)
 */
export const INSPECT = `
local left = redis.call('PTTL', KEYS[1])
local token = redis.call('GET', KEYS[2]) or ''
if left == -2 then return {'', 0, left, token} end
local fields = redis.call('HGETALL', KEYS[1])
return {fields[1], tonumber(fields[2]) or 0, left, token}
`;
