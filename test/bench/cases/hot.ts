import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { playRounds, type Played } from '../driver/rounds.js';
import { unserved } from '../measures/waits.js';
import type { Measurement } from '../report/measurement.js';
import { ahead, representatives } from './ahead.js';
import type { BenchCase } from './case.js';
import { END_TO_END, MUTEX, ratios } from './ratios.js';
import { joined, measurer, resultOf, throughput } from './throughput.js';

const ID = 'hot';

interface Variant {
  readonly callers: number;
  readonly sectionMs: number;
}

/** The variant that all contestants play. */
const USUAL: Variant = { callers: 50, sectionMs: 1 };
/** Those that only some of them play, three rounds each. */
const FURTHER: readonly Variant[] = [
  { callers: 2, sectionMs: 1 },
  { callers: 8, sectionMs: 1 },
  { callers: 64, sectionMs: 1 },
  { callers: 512, sectionMs: 1 },
  { callers: 50, sectionMs: 0 },
];
const PEERS_AHEAD = 4;
/** Of the floors on Redis one shows how it goes on. */
const USUAL_ONLY = ['raw-ioredis-auto-pipelining', 'raw-node-redis'];
/** A library that polls in step needs its delay for every caller to be served after a round: that is not waited for. */
const DRAIN_MS = 1_000;

/** One name that all callers want. */
export const hot: BenchCase = {
  id: ID,
  title: 'Callers of one process on one name',
  measures:
    'All callers of one process take and release the same lock again and again. A section sleeps for a millisecond, or is empty. ' +
    '`unservedCallers` had no section at all while the round lasted: a library that sleeps long between its tries leaves the lock to the caller that has just had it, which is fast and unfair. ' +
    'All contestants with 50 callers and 1 ms; our own, the floors and the four peers that were ahead there with the other numbers, too.',
  takesPart: () => true,
  async run(bench, entrants) {
    const usual = await play(bench, representatives(bench, entrants), USUAL);
    const results = [resultOf(this, usual, (each) => measure(USUAL, each, usual))];
    const fewer: Bench = { ...bench, options: { ...bench.options, rounds: Math.min(3, bench.options.rounds) } };
    const further = ahead(usual, PEERS_AHEAD).filter(({ id }) => !USUAL_ONLY.includes(id));
    for (const variant of bench.options.quick ? [] : FURTHER) {
      const played = await play(fewer, further, variant, false);
      results.push(resultOf(this, played, (each) => measure(variant, each, played)));
    }
    return joined(results);
  },
};

function play(bench: Bench, entrants: readonly Entrant[], variant: Variant, count = true): Promise<Played[]> {
  const plan = { names: 1, ...variant, durationMs: 250, drainMs: DRAIN_MS, record: true };
  return playRounds(
    bench,
    entrants.filter((entrant) => hasPlace(entrant, variant)),
    plan,
    { count },
  );
}

/** Empty sections laid end to end take no time at all. */
function hasPlace({ id }: Entrant, { sectionMs }: Variant): boolean {
  return id !== 'end-to-end' || sectionMs > 0;
}

function measure({ callers, sectionMs }: Variant, each: Played, all: readonly Played[]): Measurement[] {
  const at = { callers, names: 1, sectionMs };
  const add = measurer(ID, at, each);
  return [
    ...throughput(ID, at, each),
    ...ratios(ID, at, each, all, [END_TO_END, MUTEX]),
    ...add(
      'unservedCallers',
      'callers',
      each.rounds.map(({ records, endedAt }) => {
        const inTime = records.filter(({ entered }) => entered <= endedAt);
        return unserved(inTime, 1, callers).length;
      }),
    ),
  ];
}
