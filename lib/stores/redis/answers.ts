/** Whether a script answered that all requests of a call were done alike. A client may be set to pass numbers on as strings. */
export function isOneForAll(value: unknown): boolean {
  return Number.isSafeInteger(value) || (typeof value === 'string' && /^\d+$/.test(value));
}

/** Whether an answer to a call says that the request at `index` was done. */
export function wasDone(value: unknown, index: number): boolean {
  return isOneForAll(value) || (Array.isArray(value) && Number(value[2 * index]) === 1);
}
