import type { Bench } from '../bench.js';
import type { Played } from '../driver/rounds.js';
import { unserved } from '../measures/waits.js';
import type { Measurement } from '../report/measurement.js';
import { ahead } from './ahead.js';
import type { BenchCase } from './case.js';
import { CROWD_CALLERS, playCrowd, playCrowdOfFour } from './crowd.js';
import { joined, measurer, resultOf, throughput } from './throughput.js';

const ID = 'processes';
/** How many peers are seen with two and with eight processes, too. */
const PEERS_AHEAD = 6;

/** Several processes that all want one lock. */
export const processes: BenchCase = {
  id: ID,
  title: 'Several processes, 16 callers each, one name',
  measures:
    'Processes with 16 callers each want one lock for sections of 1 ms. `stretch` is the time it takes, in sections laid end to end. ' +
    'All contestants with four processes; our own, the floors and the peers that were ahead there with two and with eight, too.',
  takesPart: ({ exclusive, processes: many }) => exclusive && many === 'many',
  async run(bench, entrants) {
    const four = await playCrowdOfFour(bench, entrants);
    const results = [resultOf(this, four, (each) => measure(4, each))];
    for (const size of bench.options.quick ? [] : [2, 8]) {
      // Three rounds show how it goes on from four.
      const rounds = Math.min(3, bench.options.rounds);
      const fewer: Bench = { ...bench, options: { ...bench.options, rounds } };
      const played = await playCrowd(fewer, ahead(four, PEERS_AHEAD), { size, count: false });
      results.push(resultOf(this, played, (each) => measure(size, each)));
    }
    await bench.crews.keep(5);
    return joined(results);
  },
};

function measure(size: number, played: Played): Measurement[] {
  const at = { processes: size, callers: CROWD_CALLERS };
  const add = measurer(ID, at, played);
  return [
    ...throughput(ID, at, played),
    ...add(
      'unservedCallers',
      'callers',
      played.rounds.map(({ records, endedAt }) => {
        const inTime = records.filter(({ entered }) => entered <= endedAt);
        return unserved(inTime, size, CROWD_CALLERS).length;
      }),
    ),
  ];
}
