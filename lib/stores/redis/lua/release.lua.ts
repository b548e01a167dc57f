import { ANSWER_EACH } from './answer-each.lua.js';
import { PUBLISH } from './publish.lua.js';
import { TAGGED } from './tagged.lua.js';

/**
 * Releases any number of locks, each independently and only if the owner still holds it, and publishes the notification
 * of Redisson ("0").
 *
 * KEYS  per lock: lock hash
 * ARGV  1: ms to keep the locks (0: free them now), 2: prefix of the channels ('': no notifications); then per
 *       lock: owner
 * reply see `ANSWER_EACH`; detail: subscribers that got the notification | 0 (not the holder)
 *
 * The owner of a lock that is kept gets the value '0', so that a late renewal does not change when the lock expires. A
 * server that is out of memory rejects this write, but the lock is still kept.
 *
 * A notification is also sent for a lock that is already free: its holder may have shortened the lease, and waiters
 * sleep until the end of the longer one.
 */
export const RELEASE = `${ANSWER_EACH}${TAGGED}${PUBLISH}
local call = redis.call
local keep, prefix = ARGV[1], ARGV[2]

local function notify(lock)
  return prefix == '' and 0 or publish(prefix .. tagged(lock), '0')
end

local function attempt(n)
  local lock, owner = KEYS[n], ARGV[n + 2]
  if call(keep == '0' and 'HDEL' or 'HEXISTS', lock, owner) == 0 then
    if call('PTTL', lock) == -2 then notify(lock) end
    return 0, 0
  end
  if keep ~= '0' then
    redis.pcall('HSET', lock, owner, '0')
    call('PEXPIRE', lock, keep)
  end
  return 1, notify(lock)
end

return answer(#KEYS, attempt)
`;
