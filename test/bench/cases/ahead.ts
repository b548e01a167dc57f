import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import type { Played } from '../driver/rounds.js';
import { medianOf } from '../report/measurement.js';

/**
 * Who is worth further variants of a case: our own, the floors, and so many peers, those with the most sections a second.
 * Not a peer that let callers wait long after the round: it would again, and each time costs seconds.
 */
export function ahead(played: readonly Played[], peers: number): Entrant[] {
  const alive = played.filter(({ failure, rounds }) => failure === undefined && rounds.length > 0);
  const bySpeed = alive
    .filter(
      ({ entrant, rounds, remark }) =>
        entrant.kind === 'peer' && remark === undefined && rounds.every(({ overlaps }) => overlaps === 0),
    )
    .sort((a, b) => speed(b) - speed(a));
  const chosen = new Set(bySpeed.slice(0, peers));
  return played.filter((each) => each.entrant.kind !== 'peer' || chosen.has(each)).map(({ entrant }) => entrant);
}

function speed({ rounds }: Played): number {
  return medianOf(rounds.map(({ sectionsPerSecond }) => sectionsPerSecond));
}

/** Of a quick run: our own, one floor on Redis and those without, and each peer with one setting, the fastest where it has one. Else all. */
export function representatives({ options }: Bench, entrants: readonly Entrant[]): Entrant[] {
  if (!options.quick || options.contestants.length > 0) return [...entrants];
  return entrants.filter(({ id, kind, file, setting }) => {
    if (kind === 'floor') return id !== 'raw-ioredis-auto-pipelining';
    return setting === 'fastest' || !entrants.some((other) => other.file === file && other.setting === 'fastest');
  });
}
