/**
 * Reads which kind of lock has a name.
 *
 * KEYS  1: the lock's key
 * ARGV  1 and 2: holds and side key of a semaphore, 3: key of this library for a latch
 * reply 'none', 'lock', 'read-write', 'semaphore', 'latch', 'counter' (a semaphore or latch that this library has not used) or
 *       'other'
 *
 * The keys of a semaphore are not in KEYS, and each command may be refused, since a user that only has the permissions for
 * exclusive locks gets an answer, too.
 */
export const KIND = `
local hasMode = redis.pcall('HEXISTS', KEYS[1], 'mode')
if hasMode == 1 then return 'read-write' end
if hasMode == 0 then return redis.call('PTTL', KEYS[1]) == -2 and 'none' or 'lock' end
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return 'other' end
for n = 1, 3 do
  if redis.pcall('EXISTS', ARGV[n]) == 1 then return n == 3 and 'latch' or 'semaphore' end
end
return string.match(value, '^-?%d+$') and 'counter' or 'other'
`;
