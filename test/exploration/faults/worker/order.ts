import type { ClientSetup } from './lock-client.js';

/** A lock that all workers try at the same time, on the machine's clock. */
export interface Job {
  readonly name: string;
  /** ms. */
  readonly wait: number;
  /** Whether its section lasts longer than a lease: what it holds is there when a fault strikes. */
  readonly long: boolean;
  readonly at: number;
}

/** What a worker is to do, as its one argument. */
export interface WorkOrder {
  /** Its name in the history. */
  readonly process: string;
  /** `own`, or the name of a peer. */
  readonly lib: string;
  readonly setup: ClientSetup;
  readonly names: readonly string[];
  /** How many callers it has at once. */
  readonly callers: number;
  readonly seed: number;
  /** The file for its part of the history. */
  readonly history: string;
  /** The socket of the guarded resource. */
  readonly resource: string;
}
