import type { ScenarioName } from './scenarios.js';
import type { SystemName } from './systems.js';

/** Every system in every scenario: what is expected and what was seen. Plain data, for the page as for the terminal. */
export interface EvolutionTable {
  /** `stopped`: ended early, by a request or by an error, see `problem`. */
  readonly state: 'never-run' | 'running' | 'done' | 'stopped';
  readonly problem: string | null;
  /** In ms since 1970. */
  readonly startedAt: number | null;
  /** So far, while it runs. */
  readonly tookMs: number | null;
  /** The rows, from the oldest system to this library. */
  readonly systems: readonly TableSystem[];
  /** The columns. */
  readonly scenarios: readonly TableScenario[];
  /** One for each system and scenario, system by system. */
  readonly cells: readonly EvolutionCell[];
}

export interface TableSystem {
  readonly name: SystemName;
  readonly title: string;
  /** What it does, and its flaw, in one or two sentences. */
  readonly summary: string;
}

export interface TableScenario {
  readonly name: ScenarioName;
  readonly title: string;
  /** What is done to the system. */
  readonly story: string;
}

export interface EvolutionCell {
  readonly system: SystemName;
  readonly scenario: ScenarioName;
  /** `not-applicable`: does not apply to this system. `not-possible`: cannot be run on this machine. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'not-applicable' | 'not-possible';
  /** A few words for the table: `holds`, `2 inside`, `deadlock`, `deletes another's lock` …; empty until it was run. */
  readonly mark: string;
  /** What should happen, in a sentence; for cells that are not run: why. */
  readonly expected: string;
  /** What happened, in a sentence; `null` until it was run. For a `failed` cell: what kept it from being run. */
  readonly seen: string | null;
  /** Whether all that is checked by the machine is as expected; `null` until it was run. */
  readonly asExpected: boolean | null;
  /** Whether the lock did its duty; `null` until it was run. A system with a known flaw fails as expected. */
  readonly verdict: 'holds' | 'fails' | null;
  readonly counts: CellCounts | null;
}

/** The results of one cell, recorded independently of the lock. */
export interface CellCounts {
  /** How often the cache was rebuilt. */
  readonly rebuilds: number;
  /** How many callers were inside at once, at most. */
  readonly mostInside: number;
  /** How often a lock was deleted by another caller while its holder relied on it. */
  readonly foreignDeletes: number;
  /** Whether the lock stays taken forever although no live process holds it. */
  readonly deadlock: boolean;
  /** How many writes were accepted after the write of a later holder. */
  readonly staleWrites: number;
  /** Whether a holder that lost its lock was notified; `null` where that does not apply. */
  readonly toldLost: boolean | null;
  /** How long the next caller waited after the holder was killed, in ms; `null` where that does not apply. */
  readonly waitMs: number | null;
  /** Commands that the callers sent to Redis for the lock, waiting included. */
  readonly commands: number;
}
