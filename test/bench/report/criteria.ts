import { withSpread } from './figures.js';
import type { Findings, Which } from './findings.js';

/** One thing that an aim asks for. */
export interface Criterion {
  readonly which: Which;
  /** What it is called behind its value. */
  readonly unit: string;
  readonly least?: number;
  readonly most?: number;
  /** Another way to the value than our own measurement. */
  readonly value?: (findings: Findings) => Spread | undefined;
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

const SPEED = { metric: 'sectionsPerSecond' };

/** What was found, in words, and whether it is enough. */
export function judge(
  { which, unit, least = -Infinity, most = Infinity, value }: Criterion,
  findings: Findings,
): { text: string; met: boolean | undefined } {
  const found = value === undefined ? findings.own(which) : value(findings);
  if (found === undefined) return { text: `${unit}: not measured`, met: undefined };
  return { text: `${withSpread(found)} ${unit}`, met: found.median >= least && found.median <= most };
}

/** How many times the best peer's value ours is. */
export function aheadOfBestPeer(which: Which): Criterion {
  return {
    which,
    unit: '× the best peer',
    least: 1,
    value: (findings) => {
      const peer = findings.bestPeer(which, 'more')?.measurement.median;
      const own = findings.own(which);
      return own === undefined || peer === undefined ? undefined : scaled(own, 1 / peer);
    },
  };
}

/** All that the server ran for a section, commands inside scripts included. */
export function commands(inCase: string, at: Which['at'], most: number): Criterion {
  const which = { case: inCase, metric: 'requestsPerSection', ...(at === undefined ? {} : { at }) };
  return {
    which,
    unit: 'commands a section',
    most,
    value: (findings) => {
      const own = findings.contestants.find(({ kind }) => kind === 'own');
      return own === undefined ? undefined : commandsOf(own.id, which, findings);
    },
  };
}

/** The same as a share of what the fastest peer needs. */
export function commandsOfFastestPeer(inCase: string, at: Which['at'], most: number): Criterion {
  const { which } = commands(inCase, at, most);
  return {
    which,
    unit: "× the fastest peer's",
    most,
    value: (findings) => {
      const own = findings.contestants.find(({ kind }) => kind === 'own');
      const peer = findings.bestPeer({ ...which, ...SPEED }, 'more');
      if (own === undefined || peer === undefined) return undefined;
      const theirs = commandsOf(peer.contestant.id, which, findings);
      const ours = commandsOf(own.id, which, findings);
      return ours === undefined || theirs === undefined ? undefined : scaled(ours, 1 / theirs.median);
    },
  };
}

function commandsOf(id: string, which: Which, findings: Findings): Spread | undefined {
  const requests = findings.of(id, which);
  const inScripts = findings.of(id, { ...which, metric: 'commandsInScriptsPerSection' });
  if (requests === undefined) return undefined;
  const more = inScripts?.median ?? 0;
  return { median: requests.median + more, low: requests.low + more, high: requests.high + more };
}

function scaled({ median, low, high }: Spread, factor: number): Spread {
  return { median: median * factor, low: low * factor, high: high * factor };
}
