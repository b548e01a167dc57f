import type { CellCounts, EvolutionCell } from '../evolution-table.js';
import type { ScenarioName } from '../scenarios.js';
import type { SystemName } from '../systems.js';
import { factsOf, sameFacts } from './expectation.js';
import type { Expected } from './expectation.js';
import { plays } from './plays.js';
import { MissedMoment } from './scenario.js';
import type { ActorPool } from './stage/actor-pool.js';
import type { Servers } from './stage/servers.js';
import { Stage } from './stage/stage.js';
import { seenText } from './seen-text.js';

/** The timeout of a cell, which normally takes a few seconds, in ms. */
const limitMs = 20_000;
const mostTries = 3;
let cellsPlayed = 0;

/** Runs one scenario with one system, and returns the result. */
export async function playCell(
  { system, scenario }: { readonly system: SystemName; readonly scenario: ScenarioName },
  expected: Expected,
  servers: Servers,
  pool: ActorPool,
  signal: AbortSignal,
): Promise<Pick<EvolutionCell, 'state' | 'mark' | 'seen' | 'asExpected' | 'verdict' | 'counts'>> {
  const play = plays[scenario];
  try {
    const counts = await played(system, scenario, servers, pool, signal);
    const faults = play.faults(counts);
    return {
      state: 'done',
      mark: faults[0] ?? 'holds',
      seen: seenText(counts),
      asExpected: sameFacts(factsOf(expected), counts),
      verdict: faults.length === 0 ? 'holds' : 'fails',
      counts,
    };
  } catch (error) {
    signal.throwIfAborted();
    const seen = error instanceof Error ? error.message : String(error);
    return { state: 'failed', mark: 'not run', seen, asExpected: false, verdict: null, counts: null };
  }
}

async function played(
  system: SystemName,
  scenario: ScenarioName,
  servers: Servers,
  pool: ActorPool,
  signal: AbortSignal,
): Promise<CellCounts> {
  for (let attempt = 1; ; attempt += 1) {
    cellsPlayed += 1;
    const stage = new Stage(system, `evolution:${String(process.pid)}:${String(cellsPlayed)}:`, servers, pool);
    const play = plays[scenario].play(stage);
    try {
      await inTime(play, signal);
      return await stage.counts();
    } catch (error) {
      if (!(error instanceof MissedMoment) || attempt === mostTries) throw error;
    } finally {
      stage.giveUp();
      // Nothing may be started after the stage is closed.
      await play.catch(() => undefined);
      await stage.close();
    }
  }
}

function inTime(play: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    const timer = setTimeout(() => reject(new Error(`It did not end within ${String(limitMs / 1000)} s.`)), limitMs);
    signal.addEventListener('abort', onAbort, { once: true });
    play.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
    if (signal.aborted) onAbort();
  });
}
