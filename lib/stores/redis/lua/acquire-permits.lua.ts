import { ANSWER_EACH } from './answer-each.lua.js';
import { PERMITS } from './permits.lua.js';
import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Takes permits of any number of semaphores, each independently, see `PERMITS`. Tokens are the server's clock in µs.
 *
 * KEYS  per request: counter, holds, side key, token string
 * ARGV  1: lifetime of the side and token keys in ms, 2: lease in ms, 3: prefix of the channels, 4: prefix of the keys of latches; then per request: the
 *       owner's prefix in hex, how many permits to take, how many there are, tokens to reserve, '1' if it waits
 * reply see `ANSWER_EACH`; detail: first token | ms until the next lease, or the place before the caller's, ends (-1: none
 *       has an end), and 1 if the caller has a place among the waiters, else 0, as "ms:place"
 *
 * Permits whose lease has ended are taken back first. Permits that are already the owner's are kept, and their lease is
 * prolonged: the first reply was lost. It gets new tokens, since other owners may have got some since.
 *
 * The number of permits may differ between callers, while a new version is deployed: each takes permits only if no more
 * than its own number are then taken. Together, available and taken permits must be one of the two numbers, or more than the
 * last one; if there are fewer, another client has taken some without a lease (a plain RSemaphore), and the call fails.
 *
 * Waiters are notified of permits that were taken back, that the caller, whose place was the first, leaves over, and that a
 * larger number adds.
 *
 * A caller that waits for several permits keeps its place if there are too few, and later callers take none before it does.
 */
export const ACQUIRE_PERMITS = `${ANSWER_EACH}${TAGGED}${PUBLISH}${PERMITS}
local ttl, lease, channels = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local function takeBack(holds, side, ended)
  for _, each in ipairs(ended) do
    call('ZREM', holds, each)
    call('HDEL', side, 'n' .. string.sub(each, 1, 14))
  end
end

local function any()
  return true
end

local function wait(holds, ends)
  local score = holds and tonumber(call('ZRANGE', holds, 0, 0, 'WITHSCORES')[2])
  if score and score < 9e14 then ends = math.min(score, ends or score) end
  return ends and math.max(1, ends - millis) or -1
end

local function issue(counter, tokens)
  local first = micros
  local last = call('GET', counter)
  if last and last + 1 > micros then first = last + 1 end
  call('SET', counter, whole(first + tokens - 1), 'PX', ttl)
  return whole(first)
end

local function again(holds, counter, prefix, take, tokens)
  for index = 0, take - 1 do
    local score = call('ZSCORE', holds, member(prefix, index))
    if score and tonumber(score) < millis + lease then
      call('ZADD', holds, whole(millis + lease), member(prefix, index))
    end
  end
  return issue(counter, tokens)
end

local function attempt(n)
  local key, holds, side, counter = KEYS[4 * n - 3], KEYS[4 * n - 2], KEYS[4 * n - 1], KEYS[4 * n]
  local hex, waits = ARGV[5 * n], ARGV[5 * n + 4] == '1'
  local prefix = prefixOf(hex)
  local take, permits, tokens = tonumber(ARGV[5 * n + 1]), tonumber(ARGV[5 * n + 2]), tonumber(ARGV[5 * n + 3])
  readClock()
  local available = counted(key)
  if type(available) == 'table' then return available end
  available = available ~= 'none' and available
  if call('ZSCORE', holds, member(prefix, 0)) then return 1, again(holds, counter, prefix, take, tokens) end

  local known = tonumber(call('HGET', side, 'permits'))
  if available and not known and redis.pcall('EXISTS', ARGV[4] .. tagged(key)) == 1 then
    return redis.error_reply('WRONGTYPE The key is a latch')
  end
  local over = call('ZRANGEBYSCORE', holds, '-inf', whole(millis))
  local ended = #over
  local taken = call('ZCARD', holds) - ended
  local sum = available and available + ended + taken
  if sum and sum ~= permits and sum ~= known and (not known or sum < known) then
    if ended > 0 then call('INCRBY', key, ended) end
    takeBack(holds, side, over)
    return redis.error_reply('PERMITS ' .. whole(sum) .. ' of ' .. (known and whole(known) or 'another client'))
  end
  local left = permits - taken
  local since, own, behind, others = places(call('HGET', side, 'w'), hex, any)
  local granted = not behind and left >= take
  local token = granted and issue(counter, tokens)
  call('HSET', side, 'permits', permits)
  if not available then call('HSET', side, 'own', 1) end
  local raised = available and left > available + ended
  if granted then
    for index = 0, take - 1 do call('ZADD', holds, whole(millis + lease), member(prefix, index)) end
    left = left - take
    own = ''
  elseif waits and take > 1 then
    own = place(hex, since)
  end
  if own .. others ~= '' then call('HSET', side, 'w', own .. others) else call('HDEL', side, 'w') end
  if not available then call('SET', key, whole(left))
  elseif left ~= available then call('INCRBY', key, whole(left - available)) end
  local rest = (granted or taken > 0) and holds
  if rest then takeBack(holds, side, over) end
  keepKeys(key, rest, side, ttl)
  local ms = not granted and whole(wait(rest, behind))
  if not rest then takeBack(holds, side, over) end
  if left > 0 and (ended > 0 or raised or (granted and since)) then publish(channels .. tagged(key), whole(left)) end
  if granted then return 1, token end
  return 0, ms .. (own ~= '' and ':1' or ':0')
end

return answer(#KEYS / 4, attempt)
`;
