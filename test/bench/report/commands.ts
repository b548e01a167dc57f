import type { Findings, Ranked, Which } from './findings.js';
import type { Spread } from './measurement.js';

/** All that the server ran for a section of one contestant, commands inside scripts included. */
export function commandsOf(id: string, which: Which, findings: Findings): Spread | undefined {
  const requests = findings.of(id, { ...which, metric: 'requestsPerSection' });
  const inScripts = findings.of(id, { ...which, metric: 'commandsInScriptsPerSection' });
  if (requests === undefined) return undefined;
  const more = inScripts?.median ?? 0;
  return { median: requests.median + more, low: requests.low + more, high: requests.high + more };
}

/**
 * Of the peers that ask again every millisecond the one with the most sections a second. One that sleeps longer between
 * its tries needs fewer commands, and is fast, since nearly all its callers are not served meanwhile.
 */
export function fastestPoller(which: Which, findings: Findings): (Ranked & { commands: Spread }) | undefined {
  for (const ranked of findings.ranking({ ...which, metric: 'sectionsPerSecond' }, 'more')) {
    const { id, kind, setting, exclusive } = ranked.contestant;
    const commands = commandsOf(id, which, findings);
    if (kind === 'peer' && setting === 'fastest' && exclusive && commands !== undefined) return { ...ranked, commands };
  }
  return undefined;
}
