/**
 * Tests the permission to publish.
 *
 * KEYS  1: lock hash, which is not used
 * ARGV  1: channel, 2: '1' on a cluster
 * reply subscribers that got the message; an error if the server rejects it
 */
export const PROBE_PUBLISH = `
if ARGV[2] == '1' then
  local got = redis.pcall('SPUBLISH', ARGV[1], '0')
  if type(got) == 'number' or not string.find(got.err, 'Unknown[%a ]* command') then return got end
end
return redis.call('PUBLISH', ARGV[1], '0')
`;
