import { TAGGED } from './tagged.lua.js';

/**
 * Reads one lock.
 *
 * KEYS  1: lock hash
 * ARGV  1: prefix of the token key
 * reply owner ('' if free), holds, PTTL (-1: none, -2: free), last token ('' if unknown)
 *
 * The token key is not in KEYS, for the reason given at `RENEW`.
 */
export const INSPECT = `${TAGGED}
local left = redis.call('PTTL', KEYS[1])
local token = redis.pcall('GET', ARGV[1] .. tagged(KEYS[1]))
if type(token) ~= 'string' then token = '' end
if left == -2 then return {'', 0, left, token} end
local fields = redis.call('HGETALL', KEYS[1])
return {fields[1], tonumber(fields[2]) or 0, left, token}
`;
