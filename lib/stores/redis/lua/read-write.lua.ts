/**
 * Lua for a read-write lock, in the layout of Redisson's RReadWriteLock, and one key of this library:
 *
 * - the lock, a hash: `mode`, which is `read` or `write`; and per holder its owner, which ends with `:write` if it writes
 * - per reader a timeout key, which expires with its lease. The lock expires with the last of them
 * - the order, a text: the places of waiters, see `PLACES`
 *
 * The value of a writer, and that of a reader's timeout key, is '1' or '1.<number>', see `RENEW`; '0' if it was released and
 * is only kept for a while. Redisson needs a whole number as the value of a reader in the hash.
 */
export const READ_WRITE = `
local call = redis.call

local function writes(owner)
  return string.sub(owner, -6) == ':write'
end

-- For how long a reader with that many holds has the lock, in ms; -2 if its leases have ended.
local function leftOf(lock, reader, holds)
  local most = -2
  for n = 1, tonumber(holds) or 0 do
    local left = redis.pcall('PTTL', tagged(lock) .. ':' .. reader .. ':rwlock_timeout:' .. n)
    -- While its slot moves, a server may have only some of the keys.
    if type(left) ~= 'number' then left = call('PTTL', lock) end
    most = math.max(most, left)
  end
  return most
end

-- For how long readers have the lock, in ms; -2 if there are none. Those whose leases have ended are removed.
local function readFor(lock)
  local fields, most = call('HGETALL', lock), -2
  for i = 1, #fields, 2 do
    local left = leftOf(lock, fields[i], fields[i + 1])
    if left == -2 and fields[i] ~= 'mode' and not writes(fields[i]) then call('HDEL', lock, fields[i]) end
    most = math.max(most, left)
  end
  return most
end
`;
