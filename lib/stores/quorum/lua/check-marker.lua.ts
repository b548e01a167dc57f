/**
 * Lua that ends a script with an error where the node does not have the marker that ARGV[2] (key) and ARGV[3] (id) name:
 * it has lost its state, and with it the votes it gave. An empty ARGV[2]: no marker is needed.
 *
 * The marker is not one of KEYS, since it is in another hash slot than the locks: a cluster of one shard, which can be a
 * node, rejects a call whose KEYS are in several slots.
 */
export const CHECK_MARKER = `
if ARGV[2] ~= '' and redis.call('HEXISTS', ARGV[2], ARGV[3]) == 0 then
  return redis.error_reply('NOMARKER the node has lost its state')
end
`;

/** The first word of that error. */
export const NO_MARKER = 'NOMARKER';
