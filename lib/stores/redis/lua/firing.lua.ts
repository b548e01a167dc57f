/**
 * Begins, ends or reads a firing of a job.
 *
 * KEYS  1: record (hash)
 * ARGV  1: 'begin' | 'end' | 'read'
 *       begin: 2: lifetime of the record in ms, 3: run, 4: window in ms, 5: firing that the caller waited for ('': none),
 *         6: '1' to repeat a run that has not ended, 7: further attempts after a failure, 8: token, 9: place
 *       end: 2: run, 3: 'done' | 'failed'
 * reply begin: 1 if the attempt may run, else 0; end: 1 if it was recorded, else 0; read: the record's fields in the order
 *       below and the server's time in ms, or nothing
 *
 * A firing whose time lies in the future counts as over once it is further away than the window: the server's clock was
 * set back, and waiting for that time could skip many firings.
 */
export const FIRING = `
local key, op = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local record = redis.call('HMGET', key, 'run', 'firedAt', 'startedAt', 'endedAt', 'state', 'attempt', 'token', 'where')
local last, firedAt, state, attempt = record[1], tonumber(record[2] or ''), record[5], tonumber(record[6] or '')

if op == 'read' then
  if not last then return {} end
  for i = 1, 8 do record[i] = record[i] or '' end
  record[9] = string.format('%.0f', now)
  return record
end

if op == 'end' then
  if last ~= ARGV[2] then return 0 end
  redis.call('HSET', key, 'state', ARGV[3], 'endedAt', string.format('%.0f', now))
  return 1
end

local ttl, run, window, firing = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if last == run then return 1 end
local same = false
if firing ~= '' then
  same = firedAt == tonumber(firing)
  if firedAt and not same then return 0 end
elseif firedAt then
  same = math.abs(now - firedAt) < window
end
if same and not (state == 'running' and ARGV[6] == '1') and not (state == 'failed' and attempt <= tonumber(ARGV[7])) then
  return 0
end
local started = string.format('%.0f', now)
redis.call('HSET', key, 'run', run, 'firedAt', same and record[2] or started, 'startedAt', started, 'state', 'running',
  'attempt', same and attempt + 1 or 1, 'token', ARGV[8], 'where', ARGV[9])
redis.call('HDEL', key, 'endedAt')
redis.call('PEXPIRE', key, ttl)
return 1
`;
