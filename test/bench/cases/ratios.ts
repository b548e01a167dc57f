import type { Played, PlayedRound } from '../driver/rounds.js';
import { againstSameTurn, type InTurn } from '../measures/by-turn.js';
import type { Measurement } from '../report/measurement.js';
import { measurer } from './throughput.js';

/** What the contestants of a case are held against: the fastest of these in each turn. */
export interface Baseline {
  readonly metric: string;
  readonly unit: string;
  /** Their ids; those that did not take part are left out. */
  readonly contestants: readonly string[];
  /** `speed`: how many times as many sections, more is better. `time`: how many times as long, less is better. */
  readonly of: 'speed' | 'time';
}

/** Raw ioredis, the faster of with and without auto-pipelining. */
export const RAW: Baseline = {
  metric: 'speedOfRaw',
  unit: '× raw ioredis',
  contestants: ['raw-ioredis', 'raw-ioredis-auto-pipelining'],
  of: 'speed',
};

export const MUTEX: Baseline = {
  metric: 'timeOfMutex',
  unit: '× in-process mutex',
  contestants: ['async-mutex'],
  of: 'time',
};

/** The same sections one after another, without a lock. */
export const END_TO_END: Baseline = {
  metric: 'timeOfEndToEnd',
  unit: '× sections end to end',
  contestants: ['end-to-end'],
  of: 'time',
};

/** One contestant held against the baselines that took part in the same rounds, turn by turn. */
export function ratios(
  id: string,
  at: Measurement['at'],
  played: Played,
  all: readonly Played[],
  baselines: readonly Baseline[],
): Measurement[] {
  const add = measurer(id, at, played);
  return baselines.flatMap((baseline) => add(baseline.metric, baseline.unit, compared(played, all, baseline)));
}

function compared({ rounds }: Played, all: readonly Played[], { contestants, of }: Baseline): number[] {
  const baselines = all.filter(({ entrant }) => contestants.includes(entrant.id)).map((each) => speeds(each.rounds));
  return againstSameTurn(speeds(rounds), baselines, (own, best) => (of === 'speed' ? own / best : best / own));
}

function speeds(rounds: readonly PlayedRound[]): InTurn[] {
  return rounds.map(({ turn, sectionsPerSecond }) => ({ turn, value: sectionsPerSecond }));
}
