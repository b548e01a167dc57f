/**
 * Lua for scripts that serve any number of requests in a call: `answer(count, attempt)` executes them in order and
 * replies.
 *
 * `attempt(n)` executes the n-th and returns 1 and a detail if it was done, 0 and a detail if it was not, or only an
 * error.
 *
 * reply one number: all were done, each with this detail. Else per request: 1 or 0, detail | -1, error text. With a
 *       single request, its error is returned as the error of the call instead.
 *
 * Most calls are answered by one number: bench case "names", 9 % more sections than with a reply for each request.
 */
export const ANSWER_EACH = `
local function answer(count, attempt)
  if count == 1 then
    local status, detail = attempt(1)
    if status == 1 then return detail end
    if detail then return {status, detail} end
    return type(status) == 'table' and status or redis.error_reply(tostring(status))
  end
  local reply, alike = {}
  for n = 1, count do
    local ok, status, detail = pcall(attempt, n)
    if not ok or not detail then
      detail = type(status) == 'table' and status.err or tostring(status)
      status = -1
    end
    if n == 1 and status == 1 then alike = detail elseif status ~= 1 or detail ~= alike then alike = nil end
    reply[2 * n - 1] = status
    reply[2 * n] = detail
  end
  return alike or reply
end
`;
