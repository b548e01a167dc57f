import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Releases one lock, or one read-write lock, regardless of its holders.
 *
 * KEYS  1: lock hash
 * ARGV  1: prefix of the channels of locks, 2: prefix of the channels of read-write locks
 * reply 1 if it was held, else 0; an error if the key is not a lock
 */
export const FORCE_RELEASE = `${TAGGED}${PUBLISH}
local call = redis.call
-- An error if the key is not a lock.
local readWrite = call('HEXISTS', KEYS[1], 'mode') == 1
local fields = readWrite and call('HGETALL', KEYS[1]) or {}
if call('DEL', KEYS[1]) == 0 then return 0 end
for i = 1, #fields, 2 do
  for n = 1, tonumber(fields[i + 1]) or 0 do
    redis.pcall('DEL', tagged(KEYS[1]) .. ':' .. fields[i] .. ':rwlock_timeout:' .. n)
  end
end
publish(ARGV[readWrite and 2 or 1] .. tagged(KEYS[1]), readWrite and '1' or '0')
return 1
`;
