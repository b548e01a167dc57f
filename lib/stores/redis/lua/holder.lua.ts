/**
 * Writes, removes or reads the record of one process.
 *
 * KEYS  1: record (string)
 * ARGV  1: lifetime in ms, 0 to remove it, or none to read it; 2: record
 * reply the record, '' if there is none; 1 if it was written or removed
 */
export const HOLDER = `
local key, ttl = KEYS[1], ARGV[1]
if not ttl then return redis.call('GET', key) or '' end
if ttl == '0' then redis.call('DEL', key) else redis.call('SET', key, ARGV[2], 'PX', ttl) end
return 1
`;
