import { inServiceContext } from '../context/service-context.js';
import { realImmediate, realTick } from './fakes.js';

// These are no time that passes: fake timers do not hold them back.

/** Runs `run` after all promise callbacks of this turn of the event loop, before any input or timer. */
export function onNextTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  inServiceContext(realTick, undefined, run, ...args);
}

/** Runs `run` in the next turn of the event loop, after input was read. */
export function onNextTurn(run: () => void): void {
  inServiceContext(realImmediate, undefined, run);
}
