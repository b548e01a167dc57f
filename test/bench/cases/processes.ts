import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { sizeOf, type Played } from '../driver/rounds.js';
import { unserved } from '../measures/waits.js';
import type { Measurement } from '../report/measurement.js';
import { ahead } from './ahead.js';
import type { BenchCase } from './case.js';
import { CROWD_CALLERS, playCrowd, playCrowdOfFour } from './crowd.js';
import { END_TO_END, ratios } from './ratios.js';
import { joined, measurer, resultOf, throughput } from './throughput.js';

const ID = 'processes';
/** Who is seen with two and with eight processes, too, besides the fastest peer that asks again every millisecond. */
const FURTHER = ['nestjs-redis-lock', 'raw-ioredis', 'node-redisson'];

/** Several processes that all want one lock. */
export const processes: BenchCase = {
  id: ID,
  title: 'Several processes, 16 callers each, one name',
  measures:
    'Processes with 16 callers each want one lock for sections of 1 ms. `stretch` is the time it takes, in sections laid end to end. ' +
    'Beside them in the same rounds: the same sections one after another in one process that has nothing else to do, `end-to-end`. ' +
    'All contestants with four processes; our own, raw ioredis, the peer with messages and the fastest that asks every millisecond with two and with eight, too.',
  takesPart: ({ id, exclusive, processes: many }) => exclusive && (many === 'many' || id === 'end-to-end'),
  async run(bench, entrants) {
    const four = await playCrowdOfFour(bench, entrants);
    const results = [resultOf(this, four, (each) => measure(4, each, four))];
    for (const size of bench.options.quick ? [] : [2, 8]) {
      // Three rounds show how it goes on from four.
      const rounds = Math.min(3, bench.options.rounds);
      const fewer: Bench = { ...bench, options: { ...bench.options, rounds } };
      const played = await playCrowd(fewer, further(four), { size, count: false });
      results.push(resultOf(this, played, (each) => measure(size, each, played)));
    }
    await bench.crews.keep(5);
    return joined(results);
  },
};

function further(four: readonly Played[]): Entrant[] {
  const pollers = ahead(
    four.filter(({ entrant }) => entrant.kind === 'peer' && entrant.setting === 'fastest'),
    1,
  );
  return four.map(({ entrant }) => entrant).filter((each) => FURTHER.includes(each.id) || pollers.includes(each));
}

function measure(size: number, played: Played, all: readonly Played[]): Measurement[] {
  const at = { processes: size, callers: CROWD_CALLERS };
  const add = measurer(ID, at, played);
  return [
    ...throughput(ID, at, played),
    ...ratios(ID, at, played, all, [END_TO_END]),
    ...add(
      'unservedCallers',
      'callers',
      played.rounds.map(({ records, endedAt }) => {
        const inTime = records.filter(({ entered }) => entered <= endedAt);
        return unserved(inTime, sizeOf(played.entrant, size), CROWD_CALLERS).length;
      }),
    ),
  ];
}
