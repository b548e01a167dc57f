import { inServiceContext } from '../context/service-context.js';
import { realImmediate, realTick } from './fakes.js';

// Both use Node's own functions even with fake timers: no time passes in a tick, so a test need not advance it.

/**
 * Runs `run` before any input or timer. If it is called in a promise callback, all other promise callbacks that are due
 * run first.
 */
export function onNextTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  inServiceContext(realTick, undefined, run, ...args);
}

/** Runs `run` in the next iteration of the event loop, after input was read. */
export function onNextTurn(run: () => void): void {
  inServiceContext(realImmediate, undefined, run);
}
