import { monotonic } from '../time/clock.js';
import { onNextTurn } from '../time/ticks.js';
import { skipToNextTimer } from '../time/timer.js';

/** How many iterations of the event loop run after each timer, so that its consequences come before the next timer. */
const TURNS = 5;

/** Lets `ms` pass at once for all lock services of this process, or the time until `isOver`. */
export async function passTime(ms: number, isOver: () => boolean = () => false): Promise<void> {
  await settle();
  const end = monotonic() + ms;
  while (!isOver() && skipToNextTimer(end)) await settle();
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise<void>(onNextTurn);
}
