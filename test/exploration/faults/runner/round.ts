import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { judge, type Verdict } from '../checker.js';
import { hasOrder, type LockKind } from '../kinds.js';
import { appendHistory, HistoryFile, machineClock, readHistory } from '../history.js';
import { SteppedClocks } from '../clock/stepped-clock.js';
import { startStage, type Topology } from '../stages/topologies.js';
import { noteStalls } from '../stalls.js';
import { noteFailovers } from './failover-watch.js';
import { Dice } from './dice.js';
import type { Fault } from './fault.js';
import { GuardedResource } from './guarded-resource.js';
import { runJobs } from './jobs.js';
import { Lane } from './lane.js';
import { locksLeft, subscriptionsLeft, type Counters } from './leftovers.js';
import { workerFaults } from './worker-faults.js';
import { Workforce } from './workforce.js';
import type { Stage } from '../stages/stage.js';

export interface RoundSetup {
  readonly topology: Topology;
  /** `own`, or the name of a peer. */
  readonly lib: string;
  readonly kind: LockKind;
  readonly seed: number;
  /** The round ends after so many writes to the guarded resource, or so many ms, whichever is first. */
  readonly sections: number;
  readonly limitMs: number;
  /** Only faults whose names it matches. */
  readonly only: RegExp;
  /** Whether a caller that does not wait may be told that a lock is busy which no caller has. */
  readonly judgeRefusals: boolean;
  /** The file that the round's history is appended to. */
  readonly history?: string | undefined;
  /** For its files; the caller removes it. */
  readonly folder: string;
}

export interface RoundResult extends Verdict {
  readonly topology: string;
  readonly lib: string;
  readonly kind: LockKind;
  readonly seed: number;
  readonly seconds: number;
  /** How often each fault was made. */
  readonly faults: Readonly<Record<string, number>>;
  /** What went wrong beside the history: a worker that crashed, or did not end. */
  readonly complaints: readonly string[];
}

const WORKERS = 3;
const CALLERS = 6;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
/** How long work may take to end when all faults are undone: a lease of somebody killed, and a turn for everybody. */
const FINISH_MS = 60_000;
const CLOSE_MS = 30_000;
/** Longer than the longest lease and than subscriptions are kept. */
const LEFT_MS = 6_000;
/** What a machine with few and busy cores adds to a timer or to a command under way. */
const ALLOWANCES = { waitMs: 2_000, signalMs: 500, freeMs: 1_000 };
/** The share of a round in which anything may happen; in the rest, nothing that keeps free locks from being granted. */
const STORM = 0.6;
/** How long the calm part lasts at least: orphaned leases and restart guards are over after half of it. */
const CALM_MS = 12_000;
/** How long a part without faults lasts, in which the order of the callers is judged. */
const QUIET_MS = 6_000;
const JOB_PAUSE_MS = 150;
const START = 'start';

/** One run: everything is started, spoilt at random, healed, brought to rest, looked over and judged. */
export async function playRound(setup: RoundSetup): Promise<RoundResult> {
  const { topology, lib, kind, seed, folder } = setup;
  const names = namesFor(kind);
  const dice = new Dice(seed);
  const leaseMs = dice.whole(6, 15) * 100;
  const began = machineClock();
  const runnerFile = join(folder, 'runner.history');
  using history = new HistoryFile(runnerFile);
  const clocks = SteppedClocks.build(folder);
  const stage = await startStage(topology, { leaseMs, names }, clocks);
  let workforce: Workforce | undefined;
  try {
    const tokens = lib === 'own';
    const exclusion = 'until-state-lost';
    const { permits } = kind;
    history.write({
      type: 'begin',
      topology,
      lib,
      seed,
      tokens,
      exclusion,
      leaseMs,
      kind: kind.name,
      permits,
      readers: kind.name === 'read-write',
      places: kind.name !== 'exclusive',
      ordered: kind.name === 'fair',
    });
    await using resource = await GuardedResource.listen(join(folder, 'resource'), history, hasOrder(kind));
    workforce = new Workforce({
      ...{ stage, lib, kind, leaseMs, folder, history, clocks, names, callers: CALLERS },
      ...{ resource: resource.path, dice: dice.fork('workers') },
    });
    // Nodes of a quorum have no vote yet.
    history.write({ type: 'fault', id: START, what: START });
    await Promise.all(Array.from({ length: WORKERS }, () => workforce!.add()));
    history.write({ type: 'healed', id: START });
    using _stalls = noteStalls('runner', history);
    await using _failovers = stage.failoverLoses === true ? noteFailovers(stage, history) : null;
    const lanes = makeLanes(setup, { stage, workforce, leaseMs, dice, history });
    const { storm, calm } = lanes;
    const noMoreJobs = new AbortController();
    const jobs = runJobs(workforce, JOB_PAUSE_MS, noMoreJobs.signal);
    for (const lane of storm) lane.start();
    await untilEnough(resource, setup.sections * STORM, began + setup.limitMs * STORM);
    for (const lane of storm) await lane.stop();
    await stage.untilHealthy();
    const calmUntil = machineClock() + CALM_MS;
    for (const lane of calm) lane.start();
    await untilEnough(resource, setup.sections, began + setup.limitMs);
    await sleep(Math.max(0, calmUntil - machineClock()));
    for (const lane of calm) await lane.stop();
    if (kind.name === 'fair') await sleep(QUIET_MS);
    noMoreJobs.abort();
    await jobs;
    await stage.untilHealthy();
    await workforce.finish(FINISH_MS);
    await noteLeft(stage, { names, permits }, history);
    await workforce.close(CLOSE_MS);
    history.write({ type: 'end' });
    const events = readHistory([runnerFile, ...workforce.histories]);
    if (setup.history !== undefined) appendHistory(setup.history, events);
    const allowances = { ...ALLOWANCES, refusals: !setup.judgeRefusals };
    const faults = sum([...storm, ...calm].map(({ counts }) => counts));
    const seconds = (machineClock() - began) / 1_000;
    return {
      ...judge(events, allowances),
      topology,
      lib,
      kind,
      seed,
      seconds,
      faults,
      complaints: workforce.complaints,
    };
  } finally {
    await workforce?.abandon();
    await stage.stop();
  }
}

/** The more permits there are, the fewer names: callers have to wait for them. */
function namesFor({ permits }: LockKind): readonly string[] {
  return NAMES.slice(0, Math.max(2, Math.ceil(NAMES.length / permits)));
}

interface Parts {
  readonly stage: Stage;
  readonly workforce: Workforce;
  readonly leaseMs: number;
  readonly dice: Dice;
  readonly history: HistoryFile;
}

function makeLanes(
  { only }: RoundSetup,
  { stage, workforce, leaseMs, dice, history }: Parts,
): Record<'storm' | 'calm', Lane[]> {
  const atWorkers = workerFaults(workforce, leaseMs).filter(({ what }) => only.test(what));
  const atServers = stage.faults.filter(({ what }) => only.test(what));
  const lane = (label: string, faults: readonly Fault[], pause: [number, number]): Lane =>
    new Lane({ label, faults, dice: dice.fork(label), history, pause });
  const calm = [...atServers, ...atWorkers].filter((fault) => fault.calm !== undefined);
  return {
    storm: [lane('servers', atServers, [300, 2_000]), lane('faults', atWorkers, [100, 1_000])],
    calm: [
      new Lane({ label: 'calm', faults: calm, dice: dice.fork('calm'), history, pause: [300, 2_000], calm: true }),
    ],
  };
}

async function untilEnough(resource: GuardedResource, sections: number, end: number): Promise<void> {
  while (resource.writes < sections && machineClock() < end) await sleep(100);
}

function sum(all: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const [what, count] of all.flatMap((counts) => [...counts])) total[what] = (total[what] ?? 0) + count;
  return total;
}

async function noteLeft(stage: Stage, counters: Counters, history: HistoryFile): Promise<void> {
  const masters = await stage.masters();
  const [keys, subscriptions] = await Promise.all([
    locksLeft(masters, counters, LEFT_MS),
    subscriptionsLeft(masters, LEFT_MS),
  ]);
  history.write({ type: 'left', what: { keys, subscriptions } });
}
