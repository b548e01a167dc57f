/**
 * Lua: `publish(channel)` notifies the subscribers of a channel and returns how many got the message. An error does not
 * reach the script: what it has done before counts.
 */
export const PUBLISH = `
local function publish(channel)
  local got = redis.pcall('PUBLISH', channel, '0')
  return type(got) == 'number' and got or 0
end
`;

/**
 * The same on a cluster: by a sharded channel, which lives in the hash slot of its lock, where the server has them. While a
 * cluster is upgraded, some of its servers do not; subscribers ask the same server.
 */
export const PUBLISH_SHARDED = `
local function publish(channel)
  local got = redis.pcall('SPUBLISH', channel, '0')
  if type(got) ~= 'number' then got = redis.pcall('PUBLISH', channel, '0') end
  return type(got) == 'number' and got or 0
end
`;
