/** Codes of the driver and the system: the server cannot be reached. */
const unreachable = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/**
 * PostgreSQL's codes: it shuts down, has no connections or memory left, a statement took too long, or the server is
 * read-only (25006), as one that was the primary until a failover.
 */
const notNow = /^(08...|57P..|53...|57014|25006)$/;
/** Messages of the driver without a code: a connection failed, or the pool or the server took too long. */
const inWords =
  /^(Connection terminated|timeout exceeded when trying to connect$|Query read timeout$|Client has encountered a connection error)/;

/** Whether the database cannot be reached or is too busy, as opposed to an error of the shop. */
export function isDatabaseAway(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return unreachable.test(code) || notNow.test(code) || inWords.test(error.message);
}
