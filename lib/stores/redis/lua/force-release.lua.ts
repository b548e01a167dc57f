import { PUBLISH } from './publish.lua.js';

/**
 * Releases one lock regardless of its holder.
 *
 * KEYS  1: lock hash
 * ARGV  1: channel
 * reply 1 if it was held, else 0
 */
export const FORCE_RELEASE = `${PUBLISH}
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
publish(ARGV[1])
return 1
`;
