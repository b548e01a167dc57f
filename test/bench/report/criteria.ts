import { commandsOf, fastestPoller } from './commands.js';
import { withSpread } from './figures.js';
import type { Findings, Which } from './findings.js';
import type { Spread } from './measurement.js';

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

/** How many sections a second, as a share of a baseline's, where `which` says how many times as long they took. */
export function speedFrom(which: Which, unit: string, least: number): Criterion {
  return {
    which,
    unit,
    least,
    value: (findings) => {
      const time = findings.own(which);
      return time === undefined ? undefined : { median: 1 / time.median, low: 1 / time.high, high: 1 / time.low };
    },
  };
}

/** How many times as large our own value is with `to` as with `from`. */
export function growth(which: Which, from: Which['at'], to: Which['at'], unit: string, most: number): Criterion {
  return {
    which,
    unit,
    most,
    value: (findings) => {
      const at = (variant: Which['at']) =>
        findings.own({ ...which, ...(variant === undefined ? {} : { at: variant }) });
      const before = at(from)?.median;
      const after = at(to);
      return before === undefined || after === undefined ? undefined : scaled(after, 1 / before);
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

/** The same as a share of what the fastest peer needs that asks again every millisecond. */
export function commandsOfFastestPoller(inCase: string, at: Which['at'], most: number): Criterion {
  const { which, value } = commands(inCase, at, most);
  return {
    which,
    unit: "× the fastest poller's",
    most,
    value: (findings) => {
      const ours = value?.(findings);
      const theirs = fastestPoller(which, findings)?.commands;
      return ours === undefined || theirs === undefined ? undefined : scaled(ours, 1 / theirs.median);
    },
  };
}

function scaled({ median, low, high }: Spread, factor: number): Spread {
  return { median: median * factor, low: low * factor, high: high * factor };
}
