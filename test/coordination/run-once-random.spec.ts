import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectLockService, lastRun, MemoryState, runOnce, type LockService } from 'nestjs-redis-lock';
import { Random } from '../exploration/sim/kernel/random.js';

const WINDOW_MS = 60_000;
/** Every call of a firing has ended long before. */
const LIMIT_MS = 30_000;

type Ending = 'succeeds' | 'fails' | 'loses its lock and succeeds' | 'loses its lock and fails';

interface Run {
  readonly attempt: number;
  readonly began: number;
  /** How many attempts were recorded as done when it began. */
  readonly afterDone: boolean;
  ended: number;
  readonly ending: Ending;
}

interface Scenario {
  readonly seed: number;
  readonly retry: number;
  readonly takeOver: boolean;
  /** Of attempts in their order; later ones succeed. */
  readonly endings: readonly Ending[];
  /** When the replicas call, in ms. */
  readonly calls: readonly number[];
}

function scenario(seed: number): Scenario {
  const random = new Random(seed, 'run-once');
  const pick = <T>(list: readonly T[]): T => list[random.int(0, list.length - 1)] as T;
  const all: Ending[] = ['succeeds', 'fails', 'loses its lock and succeeds', 'loses its lock and fails'];
  return {
    seed,
    retry: random.int(0, 2),
    takeOver: random.chance(0.5),
    endings: Array.from({ length: random.int(0, 3) }, () => pick(all)),
    calls: Array.from({ length: random.int(1, 5) }, () => random.int(0, 150)),
  };
}

/** Runs one firing, and returns what is wrong with it. */
async function play({ seed, retry, takeOver, endings, calls }: Scenario): Promise<string[]> {
  const state = new MemoryState();
  const services = await Promise.all(
    // Locks are lost only where the scenario says so, however busy the machine is.
    calls.map(() => connectLockService({ memory: state, lease: 600_000, logger: false })),
  );
  const [observer] = services as [LockService];
  const name = `job:${String(seed)}`;
  const runs: Run[] = [];
  const job = async (): Promise<string> => {
    const record = await lastRun(observer, name);
    const ending = endings[runs.length] ?? 'succeeds';
    const afterDone = runs.some((run) => run.ending === 'succeeds' && run.ended > 0);
    const run: Run = { attempt: record?.attempt ?? 0, began: performance.now(), afterDone, ended: 0, ending };
    runs.push(run);
    await sleep(20);
    if (ending.startsWith('loses')) {
      await observer.forceRelease(name);
      await sleep(40);
    }
    run.ended = performance.now();
    if (ending.endsWith('fails')) throw new Error(`attempt ${String(run.attempt)} failed`);
    return 'done';
  };
  const outcomes = await Promise.all(
    calls.map(async (at, index) => {
      await sleep(at);
      const call = runOnce(services[index] as LockService, name, job, { window: WINDOW_MS, retry, takeOver }).then(
        ({ ran }) => (ran ? 'ran' : 'skipped'),
        (error: unknown) => (error as Error).message,
      );
      return Promise.race([call, sleep(LIMIT_MS, 'has not ended', { ref: false })]);
    }),
  );
  await Promise.all(services.map((locks) => locks.close()));

  const problems: string[] = [];
  const check = (right: boolean, what: string): void => {
    if (!right) problems.push(what);
  };
  const lost = runs.filter(({ ending }) => ending.startsWith('loses')).length;
  check(!outcomes.includes('has not ended'), 'a call has not ended');
  check(runs.length > 0, 'it did not run');
  check(!runs.some(({ afterDone }) => afterDone), 'it ran again after it was done');
  check(runs.length <= 1 + retry + lost, 'it had too many attempts');
  for (const [index, run] of runs.slice(1).entries()) {
    const before = runs[index] as Run;
    check(run.began >= before.ended || before.ending.startsWith('loses'), 'two runs at the same time');
  }
  const last = runs.at(-1) as Run;
  const rejected = outcomes.filter((outcome) => outcome.includes('failed')).length;
  if (last.ending === 'succeeds') check(outcomes.includes('ran'), 'nobody got the result');
  if (lost === 0 && last.ending === 'succeeds') check(rejected === 0, 'a call got an error although it was done');
  if (lost === 0 && last.ending === 'fails') {
    check(runs.length === 1 + retry, 'it had too few attempts');
    check(rejected > 0, 'nobody got the error');
  }
  return problems;
}

describe('one firing of a job', () => {
  it('keeps its rules, whatever its attempts and the options are', async () => {
    const scenarios = Array.from({ length: 300 }, (_, seed) => scenario(seed));
    const results = await Promise.all(scenarios.map(async (each) => ({ ...each, problems: await play(each) })));
    expect(results.filter(({ problems }) => problems.length > 0)).toEqual([]);
  }, 120_000);
});
