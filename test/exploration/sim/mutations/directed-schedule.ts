import type { Call, Fault, Schedule } from '../schedule.js';

/** By default the caller waits for as long as it takes, and its lease is renewed. */
export function someCall(at: number, process: number, more: Partial<Call>): Call {
  const names = 'a';
  const usual = {
    late: false,
    callers: 1,
    abort: null,
    extend: null,
    again: null,
    holdAtLeast: 0,
    nested: false,
  } as const;
  return { at, process, names, wait: 'ever', lease: 'renew', section: 450, ...usual, ...more };
}

/** Process 0 stops, or its machine sleeps. */
export function standstill(at: number, ms: number, asleep: boolean): Fault {
  return { at, kind: 'pause', process: 0, ms, asleep, first: 'message' };
}

export function schedule(seed: number, calls: readonly Call[], faults: readonly Fault[]): Schedule {
  return { seed, client: 'own', calls, faults };
}

/** Delays are random, so a schedule shows what it is made for with some of these seeds only. */
export const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);
