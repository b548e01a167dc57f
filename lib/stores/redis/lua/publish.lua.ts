/**
 * Lua: `publish(channel, message)` notifies the subscribers of a channel and returns how many got the message. An error is
 * ignored, so that the script succeeds with its earlier writes.
 */
export const PUBLISH = `
local function publish(channel, message)
  local got = redis.pcall('PUBLISH', channel, message)
  return type(got) == 'number' and got or 0
end
`;

/**
 * The same on a cluster: through a sharded channel, which is in the hash slot of its lock, if the server has sharded
 * channels. During an upgrade some servers do not. Subscribers are connected to the same server, so they make the same
 * choice.
 */
export const PUBLISH_SHARDED = `
local function publish(channel, message)
  local got = redis.pcall('SPUBLISH', channel, message)
  if type(got) ~= 'number' then got = redis.pcall('PUBLISH', channel, message) end
  return type(got) == 'number' and got or 0
end
`;
