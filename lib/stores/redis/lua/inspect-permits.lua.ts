/**
 * Reads a semaphore, see `PERMITS`.
 *
 * KEYS  1: counter, 2: holds, 3: side key
 * ARGV  none
 * reply available permits ('' if the semaphore was never used), taken permits, permits
 */
export const INSPECT_PERMITS = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local ended = redis.call('ZCOUNT', KEYS[2], '-inf', now)
local taken = redis.call('ZCARD', KEYS[2]) - ended
local available = redis.call('GET', KEYS[1])
if available and not tonumber(available) then return redis.error_reply('WRONGTYPE The key is not a number of permits') end
return {available and available + ended or '', taken, redis.call('HGET', KEYS[3], 'permits') or ''}
`;
