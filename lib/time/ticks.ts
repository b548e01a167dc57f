import { inServiceContext } from '../context/service-context.js';
import { realImmediate, realTick } from './fakes.js';

// No time passes in a tick, so fake timers do not delay it.

/** Runs `run` after all promise callbacks of this tick, before any input or timer. */
export function onNextTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  inServiceContext(realTick, undefined, run, ...args);
}

/** Runs `run` in the next iteration of the event loop, after input was read. */
export function onNextTurn(run: () => void): void {
  inServiceContext(realImmediate, undefined, run);
}
