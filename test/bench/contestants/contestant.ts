import type { Plan } from '../worker/plan.js';

/** Which kind of lock a contestant has. A case is about one of them. */
export type LockMode = 'exclusive' | 'semaphore' | 'fair' | 'read';

/** What the bench says about a library, or about something that libraries are held against. */
export interface ContestantInfo {
  /** As on the command line. Ends with `-fastest` where `setting` is that. */
  readonly id: string;
  /** Default `exclusive`. */
  readonly mode?: LockMode;
  /** How many sections of one name may be inside at once. Default 1. */
  readonly permits?: number;
  readonly title: string;
  /** Its npm package with the version, or what it is made of. */
  readonly package: string;
  /** `floor`: no library, but what one can at best be as fast as. */
  readonly kind: 'own' | 'peer' | 'floor';
  /** As the library comes, or with the fastest settings that its own documentation allows. */
  readonly setting: 'default' | 'fastest';
  /**
   * Settings that only tell how a taken lock is waited for. Where no lock is ever taken there is nothing to see of them,
   * and only the default is run.
   */
  readonly tunesWaiting?: boolean;
  /** What the settings are, and what a reader must know, in one line. */
  readonly note?: string;
  readonly client: 'ioredis' | 'node-redis' | 'none';
  /** `false`: it keeps nobody out. Such floors run only in cases that allow them. */
  readonly exclusive: boolean;
  /** `one`: it excludes callers of its own process only. */
  readonly processes: 'one' | 'many';
}

/** What a client that is not a Node library makes of a round by itself. */
export interface ForeignRound {
  /** As those of `RoundResult`. */
  readonly records: Float64Array;
  readonly cpuMs: number;
  readonly ports: readonly number[];
}

/** A library at work, for all callers of one process. */
export interface LockClient {
  /**
   * Runs `body` under the lock `name` and waits for it, in the way of the library, as long as it takes. A library that
   * gives up after its own number of tries is asked again.
   */
  section(name: string, body: () => Promise<void> | void): Promise<void>;
  /** Runs a whole round, for a library of another language. Without it, `section` is called. */
  round?(plan: Plan): Promise<ForeignRound>;
  /** How often it was asked again. */
  gaveUp(): number;
  close(): Promise<void>;
}

export interface Contestant extends ContestantInfo {
  /** Connects, and resolves when it is ready to lock. */
  open(env: { readonly url: string }): Promise<LockClient>;
}
