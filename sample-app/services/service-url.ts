interface Expected {
  /** The environment variable that holds the URL. */
  readonly variable: string;
  /** With the colon. */
  readonly protocols: readonly string[];
  readonly example: string;
}

const encoding = 'In a user name or password, write # as %23, / as %2F, ? as %3F, @ as %40 and % as %25.';

/**
 * Parses the URL of a service. The messages of its errors hold no part of the URL, since any part of one that is not
 * well-formed may belong to a password.
 *
 * @throws Error
 */
export function serviceUrl(text: string, { variable, protocols, example }: Expected): URL {
  const shape = `It should look like ${example}.`;
  if (!protocols.some((protocol) => text.startsWith(`${protocol}//`))) {
    throw new Error(`${variable} does not begin with ${protocols.map((p) => `${p}//`).join(' or ')}. ${shape}`);
  }
  if (!URL.canParse(text)) throw new Error(`${variable} is not a valid URL. ${shape} ${encoding}`);
  const url = new URL(text);
  // A "#", "/" or "?" in a password ends the host part early; then the "@" before the host comes too late.
  if (url.hash !== '' || `${url.pathname}${url.search}`.includes('@')) {
    throw new Error(`${variable} has its host in the wrong place. ${shape} ${encoding}`);
  }
  return url;
}

/** The host and the port of a URL, and nothing else of it: a password may be in the query too. */
export function addressOf(url: URL, defaultPort: number): string {
  return `${url.hostname}:${url.port === '' ? String(defaultPort) : url.port}`;
}
