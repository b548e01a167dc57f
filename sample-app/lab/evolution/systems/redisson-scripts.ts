/** KEYS: lock. ARGV: lease in ms, owner. nil: taken; else how long the holder's lease still runs, in ms. */
export const take = `
local free = redis.call('exists', KEYS[1]) == 0
if free or redis.call('hexists', KEYS[1], ARGV[2]) == 1 then
  redis.call('hincrby', KEYS[1], ARGV[2], 1)
  redis.call('pexpire', KEYS[1], ARGV[1])
  return nil
end
return redis.call('pttl', KEYS[1])`;

/** KEYS: lock, channel. ARGV: message, lease in ms, owner. nil: not the owner's; 0: still held; 1: free. */
export const release = `
if redis.call('hexists', KEYS[1], ARGV[3]) == 0 then return nil end
if redis.call('hincrby', KEYS[1], ARGV[3], -1) > 0 then
  redis.call('pexpire', KEYS[1], ARGV[2])
  return 0
end
redis.call('del', KEYS[1])
redis.call('publish', KEYS[2], ARGV[1])
return 1`;

/** KEYS: lock. ARGV: lease in ms, owner. 1: renewed, 0: not the owner's any more. */
export const renew = `
if redis.call('hexists', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('pexpire', KEYS[1], ARGV[1])
return 1`;
