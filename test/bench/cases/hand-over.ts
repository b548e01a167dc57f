import { playRounds, type Played } from '../driver/rounds.js';
import { handOvers } from '../measures/hand-overs.js';
import { percentiles } from '../measures/percentiles.js';
import { medianOf, type Measurement } from '../report/measurement.js';
import { representatives } from './ahead.js';
import type { BenchCase } from './case.js';
import { measurer, resultOf, throughput } from './throughput.js';

const ID = 'hand-over';
/** Who sleeps for seconds between its tries is not waited for. */
const DRAIN_MS = 1_000;
/** A round with fewer hand-overs tells how many there were, and not how long they take: they are chance. */
const FEW = 5;

/** How soon a waiting process has what another gives up. */
export const handOver: BenchCase = {
  id: ID,
  title: 'Hand-over between two processes',
  measures:
    'Two processes with one caller each want one lock, again and again, for sections of 1 ms. A hand-over is the time from the end of a ' +
    `section to the beginning of the next in the other process, where that one was waiting already; a round with fewer than ${FEW} of them tells no times. The round trip is that of a PING ` +
    'sent after 1 ms of silence: the median of those before all rounds of the case.',
  takesPart: ({ exclusive, processes }) => exclusive && processes === 'many',
  async run(bench, entrants) {
    const durationMs = bench.options.quick ? 150 : 200;
    const plan = { names: 1, callers: 1, sectionMs: 1, durationMs, drainMs: DRAIN_MS };
    const played = await playRounds(bench, representatives(bench, entrants), plan, { size: 2, ping: true });
    // One for all: it tells of the machine and not of a library.
    const roundTripMs = medianOf(played.flatMap(({ rounds }) => rounds.map((round) => round.roundTripMs)));
    return resultOf(this, played, (each) => measure(each, roundTripMs));
  },
};

function measure(played: Played, roundTripMs: number): Measurement[] {
  const at = { processes: 2, callers: 1 };
  const add = measurer(ID, at, played);
  const { rounds } = played;
  const between = rounds.map(({ records, endedAt }) =>
    percentiles(handOvers(records.filter(({ left }) => left <= endedAt)).between),
  );
  const enough = between.map((gaps) => (gaps === null || gaps.count < FEW ? null : gaps));
  const each = (values: (number | undefined)[]): number[] => values.map((value) => value ?? Number.NaN);
  return [
    ...add(
      'handOversPerSecond',
      'hand-overs/s',
      rounds.map(({ elapsedMs }, at) => ((between[at]?.count ?? 0) / elapsedMs) * 1_000),
    ),
    ...add('handOverMs', 'ms', each(enough.map((gaps) => gaps?.p50))),
    ...add('handOverRoundTrips', 'round trips', each(enough.map((gaps) => (gaps?.p50 ?? Number.NaN) / roundTripMs))),
    ...add('handOverP90Ms', 'ms', each(enough.map((gaps) => gaps?.p90))),
    ...add('handOverP99Ms', 'ms', each(enough.map((gaps) => gaps?.p99))),
    ...add(
      'roundTripMs',
      'ms',
      rounds.map((round) => round.roundTripMs),
    ),
    ...throughput(ID, at, played),
  ];
}
