import type { Bench } from '../bench.js';
import type { Entrant } from '../contestants/index.js';
import { representatives } from './ahead.js';
import { playRounds, type Played, type PlayOptions } from '../driver/rounds.js';

/** As in one process: who polls in step, or sleeps for seconds between tries, is not waited for. */
const DRAIN_MS = 1_000;
const QUICK_DRAIN_MS = 500;

/** Callers of each process. */
export const CROWD_CALLERS = 16;

const played = new WeakMap<Bench, Promise<Played[]>>();

/** Rounds in which 16 callers of each process all want one name, for sections of 1 ms. */
export function playCrowd(bench: Bench, entrants: readonly Entrant[], options: PlayOptions): Promise<Played[]> {
  const { quick } = bench.options;
  const durationMs = quick ? 250 : 400;
  const drainMs = quick ? QUICK_DRAIN_MS : DRAIN_MS;
  return playRounds(
    bench,
    representatives(bench, entrants),
    { names: 1, callers: CROWD_CALLERS, sectionMs: 1, durationMs, drainMs },
    options,
  );
}

/** The crowd of four processes, and beside it what runs in one process only, where it takes part. Two cases look at the same rounds: they are played once a run. */
export function playCrowdOfFour(bench: Bench, entrants: readonly Entrant[]): Promise<Played[]> {
  const known = played.get(bench);
  if (known !== undefined) return known;
  const playing = playCrowd(bench, entrants, { size: 4 });
  played.set(bench, playing);
  return playing;
}
