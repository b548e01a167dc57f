/**
 * Lua: a lock's key as it is used in the names of its token key and its channel: in braces, unless it already has some.
 */
export const TAGGED = `
local function tagged(lock)
  return string.find(lock, '{', 1, true) and lock or '{' .. lock .. '}'
end
`;
