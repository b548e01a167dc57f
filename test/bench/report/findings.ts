import type { ContestantInfo } from '../contestants/contestant.js';
import type { CaseResult, Measurement } from './measurement.js';

/** Which measurements are meant: all keys of `at` that are given must be the same. */
export interface Which {
  readonly case: string;
  readonly metric: string;
  readonly at?: Measurement['at'];
}

/** Whether more or less of something is better. */
export type Better = 'more' | 'less';

/** A measurement and whose it is. */
export interface Ranked {
  readonly contestant: ContestantInfo;
  readonly measurement: Measurement;
}

/** All that a run found, to be asked. */
export class Findings {
  /** Our own library first. */
  readonly contestants: readonly ContestantInfo[];
  private readonly measurements: readonly Measurement[];

  constructor(
    contestants: readonly ContestantInfo[],
    readonly results: readonly CaseResult[],
  ) {
    this.contestants = [...contestants].sort((a, b) => Number(b.kind === 'own') - Number(a.kind === 'own'));
    this.measurements = results.flatMap((result) => result.measurements);
  }

  /** What was measured of our own library. */
  own(which: Which): Measurement | undefined {
    return this.all(which).find(({ contestant }) => contestant.kind === 'own')?.measurement;
  }

  /** What was measured of one contestant. */
  of(id: string, which: Which): Measurement | undefined {
    return this.all(which).find(({ contestant }) => contestant.id === id)?.measurement;
  }

  /** What was measured of all contestants, in the order of the contestants. */
  all({ case: id, metric, at = {} }: Which): Ranked[] {
    const wanted = Object.entries(at);
    const found = this.measurements.filter(
      (each) => each.case === id && each.metric === metric && wanted.every(([key, value]) => each.at[key] === value),
    );
    return this.contestants.flatMap((contestant) => {
      const measurement = found.find((each) => each.contestant === contestant.id);
      return measurement === undefined ? [] : [{ contestant, measurement }];
    });
  }

  /** The best first. Whoever let two sections of one name in at once, in this case or at another of it, has no place. */
  ranking(which: Which, better: Better): Ranked[] {
    const sign = better === 'more' ? -1 : 1;
    return this.all(which)
      .filter(({ contestant }) => !this.disqualified(contestant.id, which.case))
      .sort((a, b) => sign * (a.measurement.median - b.measurement.median));
  }

  bestPeer(which: Which, better: Better): Ranked | undefined {
    return this.ranking(which, better).find(({ contestant }) => contestant.kind === 'peer');
  }

  /** Whether sections of one name overlapped anywhere in this case. */
  disqualified(id: string, inCase: string): boolean {
    return this.measurements.some(
      ({ contestant, case: where, overlaps }) => contestant === id && where === inCase && overlaps > 0,
    );
  }

  /** What was varied in a case, each variant once, as it was run. */
  variants(inCase: string, metric: string): Measurement['at'][] {
    const variants = new Map<string, Measurement['at']>();
    for (const { case: id, metric: what, at } of this.measurements) {
      if (id === inCase && what === metric) variants.set(JSON.stringify(at), at);
    }
    return [...variants.values()];
  }
}

/** A contestant as tables and pictures call it. */
export function label({ title, setting }: ContestantInfo): string {
  return setting === 'fastest' ? `${title}, fastest` : title;
}
