import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { playRounds, sizeOf, type Played } from '../driver/rounds.js';
import { unserved } from '../measures/waits.js';
import type { Measurement } from '../report/measurement.js';
import { representatives } from './ahead.js';
import type { BenchCase } from './case.js';
import { ratios, type Baseline } from './ratios.js';
import { joined, measurer, resultOf, throughput } from './throughput.js';

const ID = 'semaphore';
const SECTION_MS = 1;
const DRAIN_MS = 1_000;

interface Variant {
  readonly processes: number;
  /** In each process. */
  readonly callers: number;
}

const ONE: Variant = { processes: 1, callers: 50 };
const FOUR: Variant = { processes: 4, callers: 16 };

const IN_PROCESS: Baseline = {
  metric: 'timeOfSemaphore',
  unit: '× in-process semaphore',
  contestants: ['async-mutex-semaphore'],
  of: 'time',
};

/** A semaphore that many callers want. */
export const semaphore: BenchCase = {
  id: ID,
  title: 'Callers of a semaphore with 5 permits',
  measures:
    '50 callers of one process, and 16 in each of four, take one permit of the same semaphore again and again, for sections of 1 ms. ' +
    'Five sections run at a time, so `stretch` is 0.2 at best. An overlap is a section that was entered while five were inside.',
  modes: ['semaphore'],
  takesPart: () => true,
  async run(bench, entrants) {
    const results = [];
    for (const variant of bench.options.quick ? [ONE] : [ONE, FOUR]) {
      const played = await play(bench, representatives(bench, entrants), variant);
      results.push(resultOf(this, played, (each) => measure(variant, each, played)));
    }
    return joined(results);
  },
};

function play(bench: Bench, entrants: readonly Entrant[], { processes, callers }: Variant): Promise<Played[]> {
  const plan = { names: 1, callers, sectionMs: SECTION_MS, durationMs: 400, drainMs: DRAIN_MS, record: true };
  const able = entrants.filter((entrant) => processes === 1 || entrant.processes === 'many');
  return playRounds(bench, able, plan, { size: processes });
}

function measure({ processes, callers }: Variant, each: Played, all: readonly Played[]): Measurement[] {
  const at = { processes, callers };
  const add = measurer(ID, at, each);
  return [
    ...throughput(ID, at, each),
    ...ratios(ID, at, each, all, [IN_PROCESS]),
    ...add(
      'unservedCallers',
      'callers',
      each.rounds.map(({ records, endedAt }) => {
        const inTime = records.filter(({ entered }) => entered <= endedAt);
        return unserved(inTime, sizeOf(each.entrant, processes), callers).length;
      }),
    ),
  ];
}
