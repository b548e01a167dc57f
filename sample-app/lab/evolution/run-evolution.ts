import { emptyTable } from './empty-table.js';
import type { EvolutionCell, EvolutionTable } from './evolution-table.js';
import type { ScenarioName } from './scenarios.js';
import { expectations } from './scenarios/expectations.js';
import { playCell } from './scenarios/play-cell.js';
import { plays } from './scenarios/plays.js';
import { ActorPool } from './scenarios/stage/actor-pool.js';
import { Servers } from './scenarios/stage/servers.js';
import type { SystemName } from './systems.js';

export interface EvolutionOptions {
  /** A server program. With it, all Redis servers are started for the run; some scenarios cannot do without. */
  readonly redisProgram?: string | undefined;
  /** A Redis to use where there is no program. Keys have a prefix of their own, and are left to expire or deleted. */
  readonly redisUrl?: string | undefined;
  /** The folder of the built sample. Default: the one this file is in. */
  readonly programs?: URL;
  /** The rows. Default: all. */
  readonly systems?: readonly SystemName[];
  /** The columns. Default: all. */
  readonly scenarios?: readonly ScenarioName[];
  /** Ends the run; it then resolves with a table that is `stopped`. */
  readonly signal?: AbortSignal;
  /** Called when a cell begins or ends, with the present table. */
  readonly onCell?: (cell: EvolutionCell, table: EvolutionTable) => void;
  /** How many cells run at the same time. Default 4. */
  readonly parallel?: number;
}

let running = false;

/**
 * Runs every scenario with every system, with real processes that are killed and stopped, Redis servers, and a network
 * between them. A process does one run at a time. All that a run started ends with it, even if this process is killed.
 *
 * @throws Error if a run is in progress
 */
export async function runEvolution(options: EvolutionOptions): Promise<EvolutionTable> {
  if (running) throw new Error('The scenarios are already running.');
  running = true;
  try {
    return await run(options);
  } finally {
    running = false;
  }
}

async function run(options: EvolutionOptions): Promise<EvolutionTable> {
  const { onCell = () => undefined, parallel = 4 } = options;
  const signal = options.signal ?? new AbortController().signal;
  const began = performance.now();
  let table: EvolutionTable = {
    ...emptyTable(options.systems, options.scenarios),
    state: 'running',
    startedAt: Date.now(),
  };
  const change = (changes: Partial<EvolutionTable>): EvolutionTable =>
    (table = { ...table, ...changes, tookMs: performance.now() - began });
  const show = (cell: EvolutionCell): void => {
    const same = ({ system, scenario }: EvolutionCell): boolean => system === cell.system && scenario === cell.scenario;
    onCell(cell, change({ cells: table.cells.map((other) => (same(other) ? cell : other)) }));
  };

  const servers = await Servers.open(options.redisProgram, options.redisUrl);
  const pool = new ActorPool(options.programs ?? new URL('../../', import.meta.url));
  const play = async (cell: EvolutionCell): Promise<void> => {
    const expected = expectations[cell.scenario][cell.system];
    if ('notApplicable' in expected) return;
    if (plays[cell.scenario].ownServers === true && !servers.canStart) {
      const why = 'It needs its own Redis servers, and there is no redis-server on the PATH.';
      show({ ...cell, state: 'not-possible', mark: '?', expected: why });
      return;
    }
    show({ ...cell, state: 'running' });
    show({ ...cell, ...(await playCell(cell, expected, servers, pool, signal)) });
  };
  try {
    // The nodes start while other scenarios are played.
    if (servers.canStart && table.scenarios.some(({ name }) => name === 'partial-write')) await servers.independent();
    // Column by column: those that take long are begun last of all otherwise.
    const queue = table.scenarios
      .flatMap(({ name }) => table.cells.filter(({ scenario }) => scenario === name))
      .reverse();
    const worker = async (): Promise<void> => {
      for (let cell = queue.shift(); cell !== undefined && !signal.aborted; cell = queue.shift()) await play(cell);
    };
    const workers = await Promise.allSettled(Array.from({ length: parallel }, worker));
    const failed = workers.find((result) => result.status === 'rejected');
    if (failed !== undefined && !signal.aborted) throw failed.reason;
    if (!signal.aborted) return change({ state: 'done' });
    const cells = table.cells.map((cell) => (cell.state === 'running' ? { ...cell, state: 'waiting' as const } : cell));
    return change({ state: 'stopped', cells });
  } finally {
    await pool.end();
    await servers.stop();
  }
}
