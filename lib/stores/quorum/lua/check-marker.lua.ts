/**
 * Lua that ends a script with an error if the node does not have the marker with the key ARGV[2] and the id ARGV[3]: it
 * has lost its state, and with it its votes. With an empty ARGV[2], no marker is needed.
 *
 * The marker is not in KEYS, since its hash slot differs from those of the locks, and a cluster of one shard, which can
 * be a node, rejects a call whose KEYS are in several slots.
 */
export const CHECK_MARKER = `
if ARGV[2] ~= '' and redis.call('HEXISTS', ARGV[2], ARGV[3]) == 0 then
  return redis.error_reply('NOMARKER the node has lost its state')
end
`;

/** The first word of that error. */
export const NO_MARKER = 'NOMARKER';
