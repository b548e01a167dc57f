/**
 * Gives up any number of locks, each by itself and only where the owner still holds it, and publishes the notice that
 * Redisson's waiters know ("0").
 *
 * KEYS  per lock: lock hash
 * ARGV  per lock: owner, channel ('': no notice), ms to keep the lock (0: free it now)
 * reply per lock: 1, subscribers that got the notice | 0, 0 (not the holder) | -1, error text
 *
 * A notice also goes out for a lock that is free already: its holder may have made the lease shorter, and whoever waits
 * counts on the longer one.
 */
export const RELEASE = `
local function attempt(lock, owner, channel, keep)
  if redis.call(keep == '0' and 'HDEL' or 'HEXISTS', lock, owner) == 0 then
    if channel ~= '' and redis.call('PTTL', lock) == -2 then redis.call('PUBLISH', channel, '0') end
    return 0, 0
  end
  if keep ~= '0' then redis.call('PEXPIRE', lock, keep) end
  if channel == '' then return 1, 0 end
  return 1, redis.call('PUBLISH', channel, '0')
end

local reply = {}
for i = 1, #KEYS do
  local a = 3 * i - 2
  local ok, status, value = pcall(attempt, KEYS[i], ARGV[a], ARGV[a + 1], ARGV[a + 2])
  if not ok then
    value = type(status) == 'table' and status.err or tostring(status)
    status = -1
  end
  reply[2 * i - 1] = status
  reply[2 * i] = value
end
return reply
`;
