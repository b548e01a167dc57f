/**
 * Gives up any number of locks, each by itself and only where the owner still holds it, and publishes the notice that
 * Redisson's waiters know ("0").
 *
 * KEYS  per lock: lock hash
 * ARGV  1: ms to keep the locks (0: free them now); then per lock: owner, channel ('': no notice)
 * reply per lock: 1, subscribers that got the notice | 0, 0 (not the holder) | -1, error text (a lone lock's error is that
 *       of the call)
 *
 * A notice also goes out for a lock that is free already: its holder may have made the lease shorter, and whoever waits
 * counts on the longer one.
 */
export const RELEASE = `
local call = redis.call
local keep = ARGV[1]

local function attempt(lock, owner, channel)
  if call(keep == '0' and 'HDEL' or 'HEXISTS', lock, owner) == 0 then
    if channel ~= '' and call('PTTL', lock) == -2 then call('PUBLISH', channel, '0') end
    return 0, 0
  end
  if keep ~= '0' then call('PEXPIRE', lock, keep) end
  if channel == '' then return 1, 0 end
  return 1, call('PUBLISH', channel, '0')
end

if #KEYS == 1 then return {attempt(KEYS[1], ARGV[2], ARGV[3])} end

local reply = {}
for i = 1, #KEYS do
  local ok, status, value = pcall(attempt, KEYS[i], ARGV[2 * i], ARGV[2 * i + 1])
  if not ok then
    value = type(status) == 'table' and status.err or tostring(status)
    status = -1
  end
  reply[2 * i - 1] = status
  reply[2 * i] = value
end
return reply
`;
