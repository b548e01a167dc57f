import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../stages/stage.js';
import { machineClock, type HistoryFile } from '../history.js';

const LOOK_MS = 50;

/**
 * Writes down each change of masters as a fault that may lose locks: on a busy machine, Sentinel or a cluster may take a
 * master for dead though no fault asked for that.
 */
export function noteFailovers(stage: Pick<Stage, 'masters'>, history: HistoryFile): AsyncDisposable {
  const stopped = new AbortController();
  const watching = watch(stage, history, stopped.signal);
  return {
    [Symbol.asyncDispose]: () => {
      stopped.abort();
      return watching;
    },
  };
}

async function watch(stage: Pick<Stage, 'masters'>, history: HistoryFile, stopped: AbortSignal): Promise<void> {
  let known: string | undefined;
  let knownAt = machineClock();
  for (let count = 1; !stopped.aborted;) {
    const at = machineClock();
    const masters = await namesOf(stage);
    if (known !== undefined && masters !== undefined && masters !== known) {
      const id = `failover-${count}`;
      history.write({ type: 'fault', at: knownAt, id, what: 'change of masters', stateLost: 'all' });
      history.write({ type: 'healed', id });
      count += 1;
    }
    if (masters !== undefined) [known, knownAt] = [masters, at];
    await sleep(LOOK_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
}

/** `undefined`: the servers do not agree just now. */
async function namesOf(stage: Pick<Stage, 'masters'>): Promise<string | undefined> {
  try {
    const masters = await stage.masters();
    return masters
      .map(({ url }) => url)
      .sort()
      .join();
  } catch {
    return undefined;
  }
}
