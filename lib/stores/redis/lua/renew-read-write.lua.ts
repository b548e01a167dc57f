import { ANSWER_EACH } from './answer-each.lua.js';
import { CLOCK } from './clock.lua.js';
import { PLACES } from './places.lua.js';
import { READ_WRITE } from './read-write.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Renews the lease of any number of read-write locks, each independently and only if the owner still holds it, see
 * `READ_WRITE`; and `RENEW` for the numbers, and for the keys that are not in KEYS.
 *
 * KEYS  per request: lock hash, the reader's timeout key (of a writer: the lock hash)
 * ARGV  1: lifetime of a token key in ms, 2: lease in ms, 3: '1' to make a longer lease shorter, 4: prefix of token keys,
 *       5: prefix of orders; then per request: owner, how many requests with '1' were sent for it, including this one
 * reply see `ANSWER_EACH`; detail: 1 if a writer has a place among the waiters; not done: not the holder
 */
export const RENEW_READ_WRITE = `${ANSWER_EACH}${TAGGED}${CLOCK}${PLACES}${READ_WRITE}
local ttl, lease, exact = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'

local function valueOf(lock, owner)
  local fields = call('HGETALL', lock)
  for i = 1, #fields, 2 do
    if fields[i] == owner then return fields[i + 1] end
  end
end

local function writerWaits(lock)
  local text = redis.pcall('GET', ARGV[5] .. tagged(lock))
  if type(text) ~= 'string' then return 0 end
  readClock()
  local _, _, ends = places(text, '', writes)
  return ends and 1 or 0
end

local function attempt(n)
  local lock, timeout, owner, number = KEYS[2 * n - 1], KEYS[2 * n], ARGV[2 * n + 4], ARGV[2 * n + 5]
  if call('HEXISTS', lock, owner) == 0 then return 0, 0 end
  local value
  if writes(owner) then value = valueOf(lock, owner) else value = call('GET', timeout) end
  if not value or value == '0' then return 0, 0 end
  local newer = tonumber(number) > (tonumber(string.match(value, '%.(%d+)$')) or 0)
  local shorten = newer and exact
  redis.pcall('PEXPIRE', ARGV[4] .. tagged(lock), ttl)
  if writes(owner) then
    if newer then call('HSET', lock, owner, '1.' .. number) end
    if shorten or call('PTTL', lock) < lease then call('PEXPIRE', lock, ARGV[2]) end
    return 1, 0
  end
  if newer then call('SET', timeout, '1.' .. number, 'KEEPTTL') end
  if shorten or call('PTTL', timeout) < lease then call('PEXPIRE', timeout, ARGV[2]) end
  local left = readFor(lock)
  if shorten or call('PTTL', lock) < left then call('PEXPIRE', lock, left) end
  return 1, writerWaits(lock)
end

return answer(#KEYS / 2, attempt)
`;
