/**
 * Lua: `readClock()` sets `millis`, `micros` (numbers) and `digits` (a string) to the server's clock; `whole(number)` is a
 * number without an exponent.
 */
export const CLOCK = `
local millis, micros, digits
local function readClock()
  if millis then return end
  local time = redis.call('TIME')
  digits = time[1] .. string.rep('0', 6 - #time[2]) .. time[2]
  micros = digits + 0
  millis = math.floor(micros / 1000)
end

local function whole(number)
  return string.format('%.0f', number)
end
`;
