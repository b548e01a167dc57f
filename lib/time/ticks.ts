import { inServiceContext } from '../context/service-context.js';

/** Runs `run` after all promise callbacks of this turn of the event loop, before any input or timer. */
export function onNextTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  inServiceContext(process.nextTick as (run: (...args: Args) => void, ...args: Args) => void, process, run, ...args);
}

/** Runs `run` among the promise callbacks of this turn. */
export function onMicrotask(run: () => void): void {
  inServiceContext(queueMicrotask, undefined, run);
}

/** Runs `run` in the next turn of the event loop, after input was read. */
export function onNextTurn(run: () => void): NodeJS.Immediate {
  return inServiceContext(setImmediate as (run: () => void) => NodeJS.Immediate, undefined, run);
}
