import { CLOCK } from './clock.lua.js';
import { PUBLISH } from './publish.lua.js';

/** How long a request is remembered, so that it has no effect if it arrives again, in ms. */
const REMEMBER_MS = 600_000;

/**
 * Sets, counts down or reads a latch, in the layout of Redisson's RCountDownLatch, and one key of this library: a sorted set with
 * the requests that were executed, by the server's time.
 *
 * KEYS  1: counter
 * ARGV  1: 'set' | 'down' | 'count', 2: key of this library, 3: its lifetime after its last use in ms, 4 and 5: the keys of a
 *       semaphore; set and down: 6: channel, 7: a unique id of the request; set: 8: count
 * reply set: 1 if the count was set, 0 if the latch has one; down and count: the count, 0 if the latch is open
 *
 * A latch without a count is open. A request that was executed before changes nothing.
 *
 * The other keys are not in KEYS, for the reason given at `RENEW`.
 */
export const LATCH = `${CLOCK}${PUBLISH}
local call = redis.call
local key, op, side, id = KEYS[1], ARGV[1], ARGV[2], ARGV[7]

local value = call('GET', key)
if value and not tonumber(value) then return redis.error_reply('WRONGTYPE The key is not a count') end
for n = 4, value and call('EXISTS', side) == 0 and 5 or 0 do
  if redis.pcall('EXISTS', ARGV[n]) == 1 then return redis.error_reply('WRONGTYPE The key is a semaphore') end
end
local count = tonumber(value or 0)

if op == 'count' then
  redis.pcall('PEXPIRE', side, ARGV[3])
  return count
end

readClock()
call('ZREMRANGEBYSCORE', side, '-inf', whole(millis - ${String(REMEMBER_MS)}))
local known = call('ZSCORE', side, id)
if op == 'set' then
  if known or value then return known and 1 or 0 end
  call('ZADD', side, whole(millis), id)
  call('PEXPIRE', side, ARGV[3])
  call('SET', key, ARGV[8])
  publish(ARGV[6], '1')
  return 1
end
if known or not value then return count end
call('ZADD', side, whole(millis), id)
call('PEXPIRE', side, ARGV[3])
if count > 1 then return call('DECR', key) end
call('DEL', key)
publish(ARGV[6], '0')
return 0
`;
