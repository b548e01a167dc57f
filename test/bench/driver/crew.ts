import { now } from '../clock.js';
import type { Entrant } from '../contestants/index.js';
import { overlapsBetween } from '../measures/overlaps-between.js';
import type { Plan, RoundResult, SectionRecord } from '../worker/plan.js';
import { readRecords } from '../worker/record-columns.js';
import type { WorkerProcess } from './worker-process.js';

/** A plan for every process of a crew; it becomes a `Plan` when its names and its start are known. */
export interface CrewPlan {
  /** On how many names the callers of a process are spread. All processes use the same names. */
  readonly names: number;
  /** In each process. */
  readonly callers: number;
  readonly sectionMs: number;
  /** How many sections each caller starts at most. Default: as many as it can. */
  readonly times?: number;
  readonly durationMs: number;
  /** Default `DRAIN_MS`. */
  readonly drainMs?: number;
  /** A name to be shared with another crew. Default: names of the crew's own. */
  readonly lock?: string;
  /** Only so many processes take part. Default: all. */
  readonly processes?: number;
  /** See `Plan`. Default 0. */
  readonly settleMs?: number;
  /** Always on where there are several processes: their overlaps are counted by it. */
  readonly record?: boolean;
}

/** One round of a whole crew. What is not said here is the sum of its processes' (see `RoundResult`). */
export interface CrewRound extends Omit<RoundResult, 'records'> {
  readonly sectionsPerSecond: number;
  /** Of one process; whole numbers where all have alike. */
  readonly connections: number;
  readonly records: readonly SectionRecord[];
  readonly startedAt: number;
  readonly endedAt: number;
}

/** For how long callers may still wait after a round, in ms. */
export const DRAIN_MS = 5_000;

/** From the order to the first section: long enough for every worker to have read it. */
export const HEAD_START_MS = 20;

/** Processes that run the same contestant and begin their rounds together. */
export class Crew {
  constructor(
    readonly entrant: Entrant,
    private readonly workers: readonly WorkerProcess[],
    private readonly generation: number,
  ) {}

  get size(): number {
    return this.workers.length;
  }

  get pids(): number[] {
    return this.workers.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /**
   * @param startAt see `Plan`; at least `HEAD_START_MS` from now
   * @throws Error if one of its processes does not come back
   */
  async round(crewPlan: CrewPlan, startAt = now() + HEAD_START_MS): Promise<CrewRound> {
    const { names, callers, sectionMs, durationMs, drainMs = DRAIN_MS, settleMs = 0, record = false } = crewPlan;
    const { lock, processes = this.size } = crewPlan;
    const { permits = 1 } = this.entrant;
    const { times = Infinity } = crewPlan;
    const plan: Plan = {
      permits,
      times,
      names: Array.from({ length: names }, (_, at) => lock ?? `bench:${this.entrant.id}:${this.generation}:${at}`),
      callers,
      sectionMs,
      durationMs,
      drainMs,
      settleMs,
      record: record || this.size > 1,
      startAt,
    };
    const results = await Promise.all(this.workers.slice(0, processes).map((worker) => worker.round(plan)));
    return together(results, plan);
  }
}

function together(results: readonly RoundResult[], plan: Plan): CrewRound {
  const sum = (of: (result: RoundResult) => number): number => results.reduce((total, each) => total + of(each), 0);
  const records = results.flatMap((result, worker) => readRecords(result.records, worker, plan));
  const sections = sum((each) => each.sections);
  return {
    sections,
    allSections: sum((each) => each.allSections),
    elapsedMs: plan.durationMs,
    sectionsPerSecond: (sections / plan.durationMs) * 1_000,
    insideMs: sum((each) => each.insideMs),
    cpuMs: sum((each) => each.cpuMs),
    gaveUp: sum((each) => each.gaveUp),
    overlaps: sum((each) => each.overlaps) + overlapsBetween(records, plan.permits),
    connections: sum((each) => each.connections) / results.length,
    ports: results.flatMap((each) => each.ports),
    stuck: sum((each) => each.stuck),
    errors: [...new Set(results.flatMap((each) => each.errors))],
    records,
    startedAt: plan.startAt,
    endedAt: plan.startAt + plan.durationMs,
  };
}
