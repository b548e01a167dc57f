import { promisify } from 'node:util';

/**
 * Whether `timer` is a timer function of Node and not a fake of a test: only Node's functions have their promise
 * variant as a getter.
 */
export function isNodes(timer: object): boolean {
  return Object.getOwnPropertyDescriptor(timer, promisify.custom)?.get !== undefined;
}

// Node's own functions, or `null` if fake timers were installed when this module was loaded. A fake `nextTick` is
// recognized by its properties.
const nodesTimeout = isNodes(setTimeout) ? setTimeout : null;
const nodesImmediate = isNodes(setImmediate) ? setImmediate : null;
type Tick = <Args extends unknown[]>(run: (...args: Args) => void, ...args: Args) => void;
const foundTick = Reflect.get(process, 'nextTick') as Tick;
const nodesTick = Object.keys(foundTick).length === 0 ? foundTick : null;

/** Like `process.nextTick`, even with fake timers. */
export function realTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  if (nodesTick !== null) nodesTick(run, ...args);
  else void Promise.resolve().then(() => Promise.resolve().then(() => run(...args)));
}

/** Like `setImmediate`, even with fake timers. */
export function realImmediate(run: () => void): void {
  if (nodesImmediate !== null) nodesImmediate(run);
  else realTick(run);
}

/** Like `setTimeout`, even with fake timers. It does not keep the process alive, unless `ref()` of the result is called. */
export function realTimeout(run: () => void, ms: number): NodeJS.Timeout | undefined {
  if (nodesTimeout !== null) return nodesTimeout(run, ms).unref();
  // An event of Node that no fake replaces.
  AbortSignal.timeout(ms).addEventListener('abort', run);
  return undefined;
}
