/**
 * Frees one lock whoever holds it.
 *
 * KEYS  1: lock hash
 * ARGV  1: channel
 * reply 1 if it was held, else 0
 */
export const FORCE_RELEASE = `
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('PUBLISH', ARGV[1], '0')
return 1
`;
