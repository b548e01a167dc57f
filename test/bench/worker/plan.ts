import type { Section } from '../measures/section.js';

/** What the callers of one process do in one round. Times are in ms; see `now` for the clock. */
export interface Plan {
  /** Caller i uses `names[i % names.length]`. */
  readonly names: readonly string[];
  readonly callers: number;
  /** How many callers of one name may be inside at once. */
  readonly permits: number;
  /** How long a section sleeps. 0: its body is empty. */
  readonly sectionMs: number;
  /** How many sections each caller starts at most. */
  readonly times: number;
  /** Callers start no section after this. */
  readonly durationMs: number;
  /** For how long callers may still wait for their last section before they count as stuck. */
  readonly drainMs: number;
  /** For how long the callers arrive before CPU is counted. */
  readonly settleMs: number;
  /** Whether every section is kept as a record. */
  readonly record: boolean;
  /** When all callers of all processes begin. */
  readonly startAt: number;
}

/** One section, to the return of the library's call. */
export interface SectionRecord extends Section {
  /** When the caller had its result. */
  readonly returned: number;
}

/** One round of one process. Where it says "the window": from the start until `durationMs` later. */
export interface RoundResult {
  /** Sections that ended within the window. */
  readonly sections: number;
  /** Sections altogether, with those that ended after it. */
  readonly allSections: number;
  /** How long the window was. */
  readonly elapsedMs: number;
  /** What those within the window took, in sum. */
  readonly insideMs: number;
  /** CPU of this process within the window, from `settleMs` on; user and system. */
  readonly cpuMs: number;
  /** How often the library gave up and was asked again. */
  readonly gaveUp: number;
  /** Sections entered while as many callers of this process were inside on the same name as may be. */
  readonly overlaps: number;
  /** Open connections at the end of the window. */
  readonly connections: number;
  /** From where this process ever connected. */
  readonly ports: readonly number[];
  /** Callers that had not come back when the time to drain was over. */
  readonly stuck: number;
  /** What went wrong, each kind once, with how often. */
  readonly errors: readonly string[];
  /** See `readRecords`. Empty unless the plan asks for records. */
  readonly records: Float64Array;
}

/** From the driver to a worker. */
export type Order =
  | { readonly type: 'open'; readonly file: string; readonly id: string; readonly url: string }
  | { readonly type: 'round'; readonly plan: Plan }
  | { readonly type: 'close' };

/** From a worker to the driver. */
export type Report =
  | { readonly type: 'started' | 'opened' | 'closed' }
  | { readonly type: 'round'; readonly result: RoundResult }
  | { readonly type: 'failed'; readonly reason: string };
