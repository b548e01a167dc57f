/**
 * Begins, ends or reads a firing of a job.
 *
 * KEYS  1: record (hash)
 * ARGV  1: 'begin' | 'end' | 'read'
 *       begin: 2: lifetime of the record in ms, 3: run, 4: window in ms, 5: firing that the caller waited for ('': none),
 *         6: '1' to repeat a run that has not ended, 7: further attempts after a failure, 8: token, 9: place
 *       end: 2: run, 3: 'done' | 'failed'
 * reply begin: when the firing began, if the attempt may run, else 0; end: 1 if it was recorded, else 0; read: the
 *       record's fields in the order below and the server's time in ms, or nothing
 *
 * A firing whose time lies in the future counts as over once it is further away than the window: the server's clock was
 * set back, and waiting for that time could skip many firings.
 */
export const FIRING = `
local key, op = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local record = {}
local fields = redis.call('HGETALL', key)
for i = 1, #fields, 2 do record[fields[i]] = fields[i + 1] end
local last, firedAt = record.run, tonumber(record.firedAt)

if op == 'read' then
  if not last then return {} end
  return {last, record.firedAt, record.startedAt, record.endedAt or '', record.state, record.attempt, record.token,
    record.where, string.format('%.0f', now)}
end

if op == 'end' then
  if last ~= ARGV[2] then return 0 end
  redis.call('HSET', key, 'state', ARGV[3], 'endedAt', string.format('%.0f', now))
  return 1
end

local ttl, run, window, firing = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if last == run then
  redis.call('PEXPIRE', key, ttl)
  return record.firedAt
end
local same = false
if firing ~= '' then
  same = firedAt == tonumber(firing)
  if firedAt and not same then return 0 end
elseif firedAt then
  same = math.abs(now - firedAt) < window
end
local again = (record.state == 'running' and ARGV[6] == '1') or
  (record.state == 'failed' and tonumber(record.attempt) <= tonumber(ARGV[7]))
if same and not again then return 0 end
local started = string.format('%.0f', now)
firedAt = same and record.firedAt or started
redis.call('HSET', key, 'run', run, 'firedAt', firedAt, 'startedAt', started, 'state', 'running',
  'attempt', same and record.attempt + 1 or 1, 'token', ARGV[8], 'where', ARGV[9])
redis.call('HDEL', key, 'endedAt')
redis.call('PEXPIRE', key, ttl)
return firedAt
`;
