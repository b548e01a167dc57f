import { promisify } from 'node:util';

/**
 * Whether `timer` is a timer function of Node, and not a fake that a test has put in its place: only Node's functions find
 * their promise variant by a getter.
 */
export function isNodes(timer: object): boolean {
  return Object.getOwnPropertyDescriptor(timer, promisify.custom)?.get !== undefined;
}

// Node's own functions, unless this module was loaded while fake timers were installed. Those have properties.
const nodesTimeout = isNodes(setTimeout) ? setTimeout : null;
const nodesImmediate = isNodes(setImmediate) ? setImmediate : null;
type Tick = <Args extends unknown[]>(run: (...args: Args) => void, ...args: Args) => void;
const foundTick = Reflect.get(process, 'nextTick') as Tick;
const nodesTick = Object.keys(foundTick).length === 0 ? foundTick : null;

/** As `process.nextTick`, whatever fake timers are installed. */
export function realTick<Args extends unknown[]>(run: (...args: Args) => void, ...args: Args): void {
  if (nodesTick !== null) nodesTick(run, ...args);
  else void Promise.resolve().then(() => Promise.resolve().then(() => run(...args)));
}

/** As `setImmediate`, whatever fake timers are installed. */
export function realImmediate(run: () => void): void {
  if (nodesImmediate !== null) nodesImmediate(run);
  else realTick(run);
}

/** As `setTimeout`, whatever fake timers are installed. It does not keep the process alive. */
export function realTimeout(run: () => void, ms: number): void {
  if (nodesTimeout !== null) nodesTimeout(run, ms).unref();
  // An event of Node that no fake replaces.
  else AbortSignal.timeout(ms).addEventListener('abort', run);
}
