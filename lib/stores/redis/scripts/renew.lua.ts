/**
 * Sets the lease of any number of locks, each by itself and only where the owner still holds it. The token key lives as
 * long again as after an acquisition.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms; then per lock: owner
 * reply per lock: 1, 0 (renewed) | 0, 0 (not the holder) | -1, error text
 */
export const RENEW = `
local ttl, lease = ARGV[1], ARGV[2]

local function attempt(lock, counter, owner)
  if redis.call('HEXISTS', lock, owner) == 0 then return 0, 0 end
  redis.call('PEXPIRE', lock, lease)
  redis.call('PEXPIRE', counter, ttl)
  return 1, 0
end

local reply = {}
for i = 1, #KEYS / 2 do
  local ok, status, value = pcall(attempt, KEYS[2 * i - 1], KEYS[2 * i], ARGV[i + 2])
  if not ok then
    value = type(status) == 'table' and status.err or tostring(status)
    status = -1
  end
  reply[2 * i - 1] = status
  reply[2 * i] = value
end
return reply
`;
