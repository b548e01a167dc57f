/**
 * Takes any number of locks on one of several nodes, each by itself.
 *
 * KEYS  per lock: lock hash, token string
 * ARGV  1: lifetime of a token key in ms; then per lock: owner, lease in ms, tokens to reserve, proposed token
 * reply per lock: 1, first token | 0, "PTTL owner" of the holder (PTTL -1: none) | -1, error text
 *
 * As the script that takes locks on one server, except that all nodes are given the same proposal, so that they come to
 * the same token: it stands in for the server's clock where it is within 100 ms of it.
 */
export const GRANT = `
local clock = redis.call('TIME')
local micros = clock[1] * 1000000 + clock[2]
local ttl = ARGV[1]

local function attempt(lock, counter, owner, lease, tokens, proposal)
  local left = redis.call('PTTL', lock)
  if left ~= -2 then
    if redis.call('HEXISTS', lock, owner) == 0 then
      return 0, left .. ' ' .. redis.call('HGETALL', lock)[1]
    end
    redis.call('PEXPIRE', lock, lease)
    local last = redis.call('GET', counter)
    if last then return 1, last - tokens + 1 end
  end
  local first = micros
  if math.abs(proposal - micros) <= 100000 then first = tonumber(proposal) end
  local last = redis.call('GET', counter)
  if last and last + 1 > first then first = last + 1 end
  redis.call('SET', counter, string.format('%.0f', first + tokens - 1), 'PX', ttl)
  redis.call('HSET', lock, owner, 1)
  local done = redis.pcall('PEXPIRE', lock, lease)
  if type(done) == 'table' and done.err then
    redis.call('HDEL', lock, owner)
    error(done)
  end
  return 1, first
end

local reply = {}
for i = 1, #KEYS / 2 do
  local a = 4 * i - 2
  local ok, status, value = pcall(attempt, KEYS[2 * i - 1], KEYS[2 * i], ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3])
  if not ok then
    value = type(status) == 'table' and status.err or tostring(status)
    status = -1
  end
  reply[2 * i - 1] = status
  reply[2 * i] = value
end
return reply
`;
