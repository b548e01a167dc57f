import { randomUUID } from 'node:crypto';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { LockError, type Lease } from 'nestjs-redis-lock';
import { LockService } from '../../../lib/lock.service.js';
import { resolveSettings } from '../../../lib/options/service-options.js';
import type { LockStore } from '../../../lib/stores/lock-store.js';
import { waitUntil } from '../../support/wait-until.js';
import { FaultyStore, type Fault } from './faulty-store.js';
import { Witness } from './witness.js';

export type Step =
  | { do: 'acquire'; at: number; wait: number; lease: 'renew' | number }
  | { do: 'release'; pick: number }
  | { do: 'abort'; pick: number }
  | { do: 'fault'; at: number; fault: Fault }
  | { do: 'pass'; ms: number }
  | { do: 'flush' };

const REPLICAS = 3;
const at = fc.nat({ max: REPLICAS - 1 });
const pick = fc.nat({ max: 30 });

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('acquire' as const),
        at,
        wait: fc.constantFrom(0, 20, 5_000),
        lease: fc.constantFrom('renew' as const, 60, 400),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('release' as const), pick }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), pick }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('fault' as const),
        at,
        fault: fc.constantFrom<Fault>('lost-reply', 'lost-request'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 5, 30, 80) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'flush' as const }) },
  ),
  { minLength: 5, maxLength: 30 },
);

interface Caller {
  readonly abort: AbortController;
  lease: Lease | null;
  readonly done: Promise<unknown>;
}

/** Runs one interleaving over three replicas and holds it against the model. */
export async function runInterleaving(
  plan: readonly Step[],
  openStore: () => Promise<LockStore>,
  flush: (name: string) => Promise<void>,
): Promise<void> {
  const name = `interleaving:${randomUUID()}`;
  const settings = resolveSettings({ memory: true, lease: 300, handOverTime: 20, handOverCount: 4 });
  const stores: FaultyStore[] = [];
  for (let i = 0; i < REPLICAS; i += 1) stores.push(new FaultyStore(await openStore()));
  const services = stores.map((store) => new LockService(store, settings));
  const witness = new Witness();
  const callers: Caller[] = [];
  const unexpected: unknown[] = [];

  const call = (service: LockService, wait: number, lease: 'renew' | number): void => {
    const abort = new AbortController();
    const caller: Caller = {
      abort,
      lease: null,
      done: service
        .acquire(name, { wait, ...(lease === 'renew' ? {} : { lease, renew: false }), signal: abort.signal })
        .then(
          (got) => {
            caller.lease = got;
            witness.enter(got);
          },
          (error: unknown) => {
            if (!(error instanceof LockError)) unexpected.push(error);
          },
        ),
    };
    callers.push(caller);
  };
  const release = async (caller: Caller): Promise<void> => {
    if (caller.lease === null) return;
    witness.leave(caller.lease);
    await caller.lease.release();
  };

  for (const step of plan) {
    const caller = 'pick' in step ? callers[step.pick % Math.max(callers.length, 1)] : undefined;
    switch (step.do) {
      case 'acquire':
        call(services[step.at]!, step.wait, step.lease);
        break;
      case 'release':
        if (caller !== undefined) void release(caller);
        break;
      case 'abort':
        caller?.abort.abort();
        break;
      case 'fault':
        stores[step.at]!.failNext(step.fault);
        break;
      case 'pass':
        await sleep(step.ms);
        break;
      case 'flush':
        // From here on old leases protect nothing, whether the flush comes a moment earlier or later.
        witness.stateLost();
        await flush(name);
        witness.stateLost();
        break;
    }
    await turn();
  }

  // The network heals; everybody who has the lock gives it back: then nobody may be left waiting.
  for (const store of stores) store.heal();
  let settled = false;
  const all = Promise.all(callers.map(({ done }) => done)).then(() => (settled = true));
  await waitUntil('everybody was served, timed out or aborted', async () => {
    await Promise.all(callers.map(release));
    return settled;
  });
  await all;
  await Promise.all(callers.map(release));
  await waitUntil('nothing is left in the services', () =>
    services.every((service) => {
      const { held, waiting, unsettled } = service.stats();
      return held + waiting + unsettled === 0;
    }),
  );
  expect(await services[0]!.inspect(name)).toMatchObject({ held: false });
  expect(unexpected).toEqual([]);
  expect(witness.violations).toEqual([]);
  await Promise.all(services.map((service) => service.close()));
}
