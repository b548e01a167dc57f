import { CLOCK } from './clock.lua.js';
import { PLACES } from './places.lua.js';

/**
 * Lua for the permits of a semaphore, in the layout of Redisson's RPermitExpirableSemaphore, and one key of this library:
 *
 * - the counter: how many permits are available
 * - the holds: for each taken permit a member of 16 bytes, with the end of its lease in ms as the score
 * - the side key, a hash: `permits`, how many there are; `own`, if this library created the counter; `w`, the places of
 *   waiters, each as "owner in hex:since:until;"; and for an owner, named by the first 14 bytes of its members, `n`, the
 *   number of its last renewal with an exact length
 *
 * While its slot moves to another master, a script cannot use a key any more that it has deleted: the call fails, and what
 * was done before remains. So whatever empties the holds comes last.
 *
 * An owner's members have the same first 14 bytes, given as 28 hex digits, and end with 0, 1, … for each of its permits.
 */
export const PERMITS = `${CLOCK}${PLACES}
local call = redis.call

local function prefixOf(hex)
  return (string.gsub(hex, '..', function(digits) return string.char(tonumber(digits, 16)) end))
end

local function member(prefix, index)
  return prefix .. string.char(math.floor(index / 256), index % 256)
end

-- The value of the counter, 'none' without one, and an error if it is no number.
local function counted(key)
  local value = call('GET', key)
  if not value then return 'none' end
  return tonumber(value) or redis.error_reply('WRONGTYPE The key is not a number of permits')
end

-- All keys live for as long as the semaphore is used, and the holds, if there are any, also until the last lease ends.
local function keepKeys(key, holds, side, ttl)
  if call('HEXISTS', side, 'own') == 1 then
    call('PEXPIRE', key, ttl)
    local last = holds and tonumber(call('ZRANGE', holds, -1, -1, 'WITHSCORES')[2])
    if last then call('PEXPIRE', holds, whole(math.max(tonumber(ttl), last < 9e14 and last - millis or 0))) end
  end
  call('PEXPIRE', side, ttl)
end
`;
