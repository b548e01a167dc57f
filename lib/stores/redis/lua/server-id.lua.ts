/**
 * Identifies the server that runs the script. Sent in full, since it is used only once.
 *
 * KEYS  any keys, which are not used
 * ARGV  none
 * reply the server's run id; '' if this user may not call INFO
 */
export const SERVER_ID = `
local info = redis.pcall('INFO', 'server')
return type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
`;
