import { fastestPoller } from './commands.js';
import { figure } from './figures.js';
import { label, type Better, type Findings, type Ranked, type Which } from './findings.js';

/** What the table of aims says of peers; `undefined` where none was measured. */
export type PeerText = (findings: Findings) => string | undefined;

/** The best peer, and where it left callers without any section the best of those that served all. */
export function bestPeer(which: Which, better: Better, unit: string): PeerText {
  return (findings) => {
    const peers = findings.ranking(which, better).filter(({ contestant }) => contestant.kind === 'peer');
    const [best] = peers;
    if (best === undefined) return undefined;
    const text = ({ contestant, measurement }: Ranked): string =>
      `${label(contestant)}: ${figure(measurement.median)} ${unit}${starved(contestant.id, which, findings)}`;
    if (unserved(best.contestant.id, which, findings) === 0) return text(best);
    const fair = peers.find(({ contestant }) => unserved(contestant.id, which, findings) === 0);
    return `${text(best)}; ${fair === undefined ? 'none served every caller' : `best that served every caller: ${text(fair)}`}`;
  };
}

/** The fastest peer that asks again every millisecond, with the commands that it needs. */
export function pollerText(inCase: string, at: NonNullable<Which['at']>): PeerText {
  return (findings) => {
    const which = { case: inCase, metric: 'sectionsPerSecond', at };
    const poller = fastestPoller(which, findings);
    if (poller === undefined) return undefined;
    const { contestant, measurement, commands } = poller;
    const speed = `${figure(measurement.median)} sections/s${starved(contestant.id, which, findings)}`;
    return `${label(contestant)}: ${figure(commands.median)} commands a section, ${speed}`;
  };
}

function unserved(id: string, which: Which, findings: Findings): number {
  return findings.of(id, { ...which, metric: 'unservedCallers' })?.median ?? 0;
}

function starved(id: string, which: Which, findings: Findings): string {
  const callers = unserved(id, which, findings);
  return callers === 0 ? '' : `, ${figure(callers)} callers not served`;
}
