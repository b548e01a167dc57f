/** An error as it may be logged: without the values of a query, which hold names and keys of customers. */
export function shownError(error: Error): Error {
  const message = withoutParams(error.message);
  const shown = Object.create(Object.getPrototypeOf(error) as object) as Error;
  // The first line of the stack is the message.
  const stack = withoutParams((error.stack ?? '').replace(error.message, () => message));
  const cause = error.cause instanceof Error ? shownError(error.cause) : undefined;
  // Nothing else that hangs on it: drizzle's errors have the values a second time, and PostgreSQL's in their details.
  for (const [name, value] of Object.entries({ name: error.name, message, stack, cause })) {
    Object.defineProperty(shown, name, { value, enumerable: false });
  }
  return shown;
}

/** Drizzle writes the values of a query at the end of its message, after this. */
function withoutParams(text: string): string {
  return text.split('\nparams: ', 1)[0] ?? '';
}
