import { machineClock, type HistoryFile } from './history.js';

const LOOK_MS = 20;
/** An event loop that did not run for this long on top is one that the machine kept from its work, in ms. */
const STALL_MS = 50;

/** Writes down when this process's event loop did not run, so that a busy machine is not mistaken for a fault. */
export function noteStalls(process: string, history: HistoryFile): Disposable {
  let last = machineClock();
  const timer = setInterval(() => {
    const now = machineClock();
    if (now - last > LOOK_MS + STALL_MS) history.write({ type: 'stalled', at: now, process, since: last });
    last = now;
  }, LOOK_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
