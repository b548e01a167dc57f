import type { Played, PlayedRound } from '../driver/rounds.js';
import { percentiles } from '../measures/percentiles.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import type { BenchCase } from './case.js';

type At = Measurement['at'];

/** Makes measurements of one contestant in one case, each with what goes for all of them. Values that are no numbers are left out. */
export function measurer(
  id: string,
  at: At,
  played: Played,
): (metric: string, unit: string, values: readonly number[]) => Measurement[] {
  const { entrant, rounds } = played;
  const overlaps = total(rounds, (round) => round.overlaps);
  const gaveUp = total(rounds, (round) => round.gaveUp);
  const note = noteOn(played);
  return (metric, unit, values) => {
    const known = values.filter(Number.isFinite);
    if (known.length === 0) return [];
    const what = { case: id, contestant: entrant.id, at, metric, unit, overlaps, gaveUp };
    return [measured(note === '' ? what : { ...what, note }, known)];
  };
}

/** What every case of sections says about one contestant. */
export function throughput(id: string, at: At, played: Played): Measurement[] {
  const { rounds, counted } = played;
  const add = measurer(id, at, played);
  const each = (value: (round: PlayedRound) => number): number[] => rounds.map(value);
  return [
    ...add(
      'sectionsPerSecond',
      'sections/s',
      each((round) => round.sectionsPerSecond),
    ),
    ...add('medianMs', 'ms', each(medianMs)),
    // Empty sections take no time, and cannot be stretched.
    ...add('stretch', '× end to end', at.sectionMs === 0 ? [] : each((round) => round.elapsedMs / round.insideMs)),
    ...add('requestsPerSection', 'requests', counted === undefined ? [] : [counted.requests]),
    ...add('commandsInScriptsPerSection', 'commands', counted === undefined ? [] : [counted.inScripts]),
    ...add(
      'bytesPerSection',
      'bytes',
      each((round) => round.bytes / round.sections),
    ),
    ...add(
      'connections',
      'connections',
      each((round) => round.connections),
    ),
    ...add(
      'cpuMicrosecondsPerSection',
      'µs',
      each((round) => (round.cpuMs / round.sections) * 1_000),
    ),
  ];
}

/** @param measure one contestant's rounds as measurements */
export function resultOf(
  { id, title }: BenchCase,
  played: readonly Played[],
  measure: (each: Played) => Measurement[],
): CaseResult {
  return {
    id,
    title,
    measurements: played.filter(({ rounds }) => rounds.length > 0).flatMap(measure),
    failures: played.flatMap(({ entrant, failure }) =>
      failure === undefined ? [] : [{ contestant: entrant.id, reason: failure }],
    ),
  };
}

/** Several results of one case as one. A contestant that failed more than once is named once. */
export function joined(results: readonly CaseResult[]): CaseResult {
  const [first] = results;
  if (first === undefined) throw new Error('A case without a result.');
  const failures = new Map(
    results.flatMap((each) => each.failures.map((failure) => [failure.contestant, failure] as const)).reverse(),
  );
  return {
    ...first,
    measurements: results.flatMap(({ measurements }) => measurements),
    failures: [...failures.values()].reverse(),
  };
}

function total(rounds: readonly PlayedRound[], value: (round: PlayedRound) => number): number {
  return rounds.reduce((sum, round) => sum + value(round), 0);
}

/** From the call to its return, without the section itself. */
function medianMs({ records }: PlayedRound): number {
  const spent = records.map(({ asked, entered, left, returned }) => entered - asked + (returned - left));
  return percentiles(spent)?.p50 ?? Number.NaN;
}

function noteOn({ rounds, remark }: Played): string {
  const errors = new Set(rounds.flatMap((round) => round.errors));
  return [remark ?? '', ...errors].filter((text) => text !== '').join('; ');
}
