/**
 * Lua: `publish(channel)` notifies the subscribers of a channel and returns how many got the message. An error is
 * ignored, so that the script succeeds with its earlier writes.
 */
export const PUBLISH = `
local function publish(channel)
  local got = redis.pcall('PUBLISH', channel, '0')
  return type(got) == 'number' and got or 0
end
`;

/**
 * The same on a cluster: through a sharded channel, which is in the hash slot of its lock, if the server has sharded
 * channels. During an upgrade some servers do not. Subscribers are connected to the same server, so they make the same
 * choice.
 */
export const PUBLISH_SHARDED = `
local function publish(channel)
  local got = redis.pcall('SPUBLISH', channel, '0')
  if type(got) ~= 'number' then got = redis.pcall('PUBLISH', channel, '0') end
  return type(got) == 'number' and got or 0
end
`;
