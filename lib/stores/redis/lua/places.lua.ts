/** How long a waiter keeps its place without asking again, in ms: it asks every 3 s. */
export const PLACE_MS = 5_000;

/**
 * Lua for the places of waiters, stored as a text of entries "owner:since:until;", with `since` in µs and `until` in ms. Needs
 * `CLOCK`.
 *
 * `places(text, owner, blocks)` returns when the owner got its place, its entry ('' if it has none), when the first place
 * before it that `blocks(owner)` ends, and the entries of others. Entries whose time is over are left out.
 */
export const PLACES = `
local function places(text, owner, blocks)
  local since, own, first, blocker, ends, others = nil, '', nil, nil, nil, ''
  for each, from, last in string.gmatch(text or '', '([^;]+):(%d+):(%d+);') do
    local start, left = tonumber(from), tonumber(last) - millis
    -- If the server's clock was set back, an old place would last for long.
    if left >= 0 and left <= ${String(PLACE_MS)} then
      local entry = each .. ':' .. from .. ':' .. last .. ';'
      if each == owner then since, own = start, entry
      else
        others = others .. entry
        if blocks(each) and (not first or start < first or (start == first and each < blocker)) then
          first, blocker, ends = start, each, millis + left
        end
      end
    end
  end
  if since and first and (since < first or (since == first and owner < blocker)) then ends = nil end
  return since, own, ends, others
end

-- The entry of an owner that asks now.
local function place(owner, since)
  return owner .. ':' .. whole(since or micros) .. ':' .. whole(millis + ${String(PLACE_MS)}) .. ';'
end
`;
