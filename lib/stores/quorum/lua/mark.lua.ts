/**
 * Reads the marker of a node. Writes a new one if there is none, or if it belongs to another server process.
 *
 * KEYS  1: marker hash, with one field: the marker's id, and "run id, written at (server's clock), written at (clock of a
 *       client)", times in ms
 * ARGV  1: run id of the server, 2: id for a new marker, 3: the client's wall clock in ms
 * reply id, its age in ms by the server's clock, its age in ms by the clocks of clients
 *
 * A time in the future shows that a clock was set back. It is replaced by the current time: otherwise services that
 * start later would not trust the marker before that time.
 */
export const MARK = `
local marker, run, wall = KEYS[1], ARGV[1], ARGV[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local stored = redis.call('HGETALL', marker)
local id, server, client = stored[1], nil, nil
if #stored == 2 then
  local of
  of, server, client = string.match(stored[2], '^(%S*) (%d+) (%d+)$')
  if of ~= run then server = nil end
end
if not server then
  redis.call('DEL', marker)
  id, server, client = ARGV[2], now, wall
elseif server + 0 <= now and client + 0 <= wall + 0 then
  return {id, now - server, wall - client}
end
server, client = math.min(server, now), math.min(client, wall)
redis.call('HSET', marker, id, string.format('%s %.0f %.0f', run, server, client))
return {id, now - server, wall - client}
`;
