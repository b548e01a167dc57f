/** One line of Redis's MONITOR. */
export interface MonitorLine {
  /** When, by the server's wall clock, in ms. */
  readonly at: number;
  /** Where the request came from, or `null` for a command that a script ran. */
  readonly from: string | null;
  /** In lower case. */
  readonly command: string;
}

/** What clients asked for and what scripts did for it. */
export interface Requests {
  /** Commands that came over a connection: each is one request and one reply. */
  readonly requests: number;
  /** Commands that scripts ran. */
  readonly inScripts: number;
}

const LINE = /^\+?(\d+\.\d+) \[\d+ (\S+)\] "((?:[^"\\]|\\.)*)"/;

/** `null` for what is no command: the reply to MONITOR itself, the empty rest of a chunk. */
export function parseMonitorLine(line: string): MonitorLine | null {
  const match = LINE.exec(line);
  if (match === null) return null;
  const [, seconds, from, command] = match;
  return { at: Number(seconds) * 1_000, from: from === 'lua' ? null : (from ?? ''), command: command!.toLowerCase() };
}

/** Those of clients that connected from `ports`, and what their scripts did. Other processes may be at the server, too. */
export function linesOf(lines: readonly MonitorLine[], ports: readonly number[]): MonitorLine[] {
  const wanted = new Set(ports);
  let ours = false;
  return lines.filter(({ from }) => {
    // What a script does stands right behind the request that ran it.
    if (from !== null) ours = wanted.has(Number(from.slice(from.lastIndexOf(':') + 1)));
    return ours;
  });
}

/** The requests from `from` to `until`, by the wall clock. */
export function countRequests(lines: readonly MonitorLine[], from = -Infinity, until = Infinity): Requests {
  const within = lines.filter(({ at }) => at >= from && at <= until);
  const inScripts = within.filter((line) => line.from === null).length;
  return { requests: within.length - inScripts, inScripts };
}
