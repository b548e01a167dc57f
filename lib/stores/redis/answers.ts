/** Whether a script answered that all requests of a call were done alike. A client may be set to pass numbers on as strings. */
export function isOneForAll(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'string' && /^\d+$/.test(value));
}

/** Whether the request at `index` of a call may have been done, by the answer to it: `undefined` if that was an error. */
export function maybeDone(value: unknown, index: number): boolean {
  return Array.isArray(value) ? Number(value[2 * index]) === 1 : value !== undefined;
}
