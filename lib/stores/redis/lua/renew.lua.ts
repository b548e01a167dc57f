import { ANSWER_EACH } from './answer-each.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Renews the lease of any number of locks, each independently and only if the owner still holds it. The token key then
 * expires as late as after an acquisition.
 *
 * KEYS  per lock: lock hash
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms, 3: '1' to make a longer lease shorter, 4: prefix of
 *       token keys; then per lock: owner, how many requests with '1' were sent for it, including this one
 * reply see `ANSWER_EACH`; not done: not the holder
 *
 * The token key is in the hash slot of its lock, but not in KEYS: while a slot moves, a server rejects a request if it
 * has only some of its KEYS. If the token key is on the other server, only the lock is renewed.
 *
 * Requests can arrive out of order, even long after their connection was closed, and the holder may rely on a longer
 * lease by then. So only a request with a larger number than all earlier ones can shorten a lease. The largest number
 * is part of the owner's value: '1' (none yet) or '1.<number>'. The value '0' means that the owner has released the
 * lock, which is kept for a while.
 *
 * The lease is written last, so after an error the old one still applies.
 */
export const RENEW = `${ANSWER_EACH}${TAGGED}local call = redis.call
local ttl, lease, exact, prefix = ARGV[1], ARGV[2], ARGV[3] == '1', ARGV[4]

local function valueOf(lock, owner)
  local fields = call('HGETALL', lock)
  for i = 1, #fields, 2 do
    if fields[i] == owner then return fields[i + 1] end
  end
end

local function attempt(n)
  local lock, owner, number = KEYS[n], ARGV[2 * n + 3], ARGV[2 * n + 4]
  if call('HEXISTS', lock, owner) == 0 then return 0, 0 end
  local value = valueOf(lock, owner)
  if value == '0' then return 0, 0 end
  local newer = tonumber(number) > (tonumber(string.match(value, '%.(%d+)$')) or 0)
  if newer then call('HSET', lock, owner, '1.' .. number) end
  redis.pcall('PEXPIRE', prefix .. tagged(lock), ttl)
  if (newer and exact) or call('PTTL', lock) < tonumber(lease) then call('PEXPIRE', lock, lease) end
  return 1, 0
end

return answer(#KEYS, attempt)
`;
