import type { Crews } from './driver/crews.js';
import type { Traffic } from './driver/traffic.js';
import type { BenchOptions } from './options.js';

/** What a case has to work with. */
export interface Bench {
  readonly options: BenchOptions;
  /** The one Redis of this run. */
  readonly url: string;
  /** Processes that run contestants, kept from case to case. */
  readonly crews: Crews;
  /** The bench's own connection, to look at the server. */
  readonly traffic: Traffic;
  /** A line on the terminal about how far the run has come. */
  say(line: string): void;
}
