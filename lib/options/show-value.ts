/** A value as it may stand in a message. What may hold a password is not shown. */
export function show(value: unknown): string {
  if (typeof value === 'string') return /:\/\/|@/.test(value) ? 'a string that is not shown' : JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
