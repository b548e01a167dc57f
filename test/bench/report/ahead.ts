import type { ContestantInfo } from '../contestants/contestant.js';
import type { Better, Findings } from './findings.js';
import type { Measurement } from './measurement.js';

/** A peer that was better than us at what a case is about, with no two sections inside at once. */
export interface Ahead {
  readonly case: string;
  readonly at: Measurement['at'];
  readonly peer: ContestantInfo;
  readonly metric: string;
  /** How many times as good as ours. */
  readonly times: number;
  /** Whether the ranges of the rounds meet, so that it may be chance. */
  readonly meets: boolean;
  /** Callers that had no section at all: what is left to the others is easily fast. */
  readonly unserved: number;
}

/** By what each case ranks. */
const RANKS: readonly { readonly case: string; readonly metric: string; readonly better: Better }[] = [
  { case: 'lone', metric: 'sectionsPerSecond', better: 'more' },
  { case: 'names', metric: 'sectionsPerSecond', better: 'more' },
  { case: 'hot', metric: 'sectionsPerSecond', better: 'more' },
  { case: 'processes', metric: 'sectionsPerSecond', better: 'more' },
  { case: 'hand-over', metric: 'handOverMs', better: 'less' },
  { case: 'waiting', metric: 'requestsPerSecond', better: 'less' },
  { case: 'renewals', metric: 'longestBlockMs', better: 'less' },
  { case: 'semaphore', metric: 'sectionsPerSecond', better: 'more' },
  { case: 'catalog', metric: 'lastReaderAtLock', better: 'less' },
];

/** Every peer ahead of us in any variant of any case, the largest lead first. */
export function peersAhead(findings: Findings): Ahead[] {
  return RANKS.flatMap(({ case: id, metric, better }) =>
    findings.variants(id, metric).flatMap((at) => aheadIn(findings, { case: id, metric, at }, better)),
  ).sort((a, b) => b.times - a.times);
}

function aheadIn(
  findings: Findings,
  which: { readonly case: string; readonly metric: string; readonly at: Measurement['at'] },
  better: Better,
): Ahead[] {
  const own = findings.own(which);
  if (own === undefined) return [];
  const times = ({ median }: Measurement): number => (better === 'more' ? median / own.median : own.median / median);
  return findings
    .ranking(which, better)
    .filter(({ contestant, measurement }) => contestant.kind === 'peer' && times(measurement) > 1)
    .map(({ contestant, measurement }) => ({
      case: which.case,
      at: which.at,
      metric: which.metric,
      peer: contestant,
      times: times(measurement),
      meets: measurement.low <= own.high && own.low <= measurement.high,
      unserved: findings.of(contestant.id, { ...which, metric: 'unservedCallers' })?.median ?? 0,
    }));
}
