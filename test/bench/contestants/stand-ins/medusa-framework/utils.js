/** An error with a type, as Medusa's own. */
export class MedusaError extends Error {
  static Types = { CONFLICT: 'conflict' };

  constructor(type, message) {
    super(message);
    this.name = 'MedusaError';
    this.type = type;
  }
}

/** Waits for all of them also when one fails, as Medusa's own. */
export async function promiseAll(promises) {
  const settled = await Promise.allSettled(promises);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return settled.map(({ value }) => value);
}
