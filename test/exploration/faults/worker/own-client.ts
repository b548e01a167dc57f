import { connectLockService, type Lease, type LockMode, type LockService, type MultiLease } from 'nestjs-redis-lock';
import type { KindName, LockKind } from '../kinds.js';
import type { Ask, HeldLock, OpenLockClient } from './lock-client.js';

type Acquire = (locks: LockService, names: readonly string[], ask: OwnAsk, kind: LockKind) => Promise<HeldLock>;
type OwnAsk = Omit<Ask, 'lease'> & { readonly lease?: number; readonly renew?: false };

/** How each kind of lock is taken. */
const ACQUIRE: Readonly<Record<KindName, Acquire>> = {
  exclusive: inMode('exclusive'),
  fair: inMode('fair'),
  write: inMode('write'),
  semaphore: async (locks, [name], ask, { permits }) =>
    held(await locks.semaphore(name!, { permits }).acquire(ask), (lease) => lease.token),
  'read-write': async (locks, [name], { take, ...ask }) =>
    held(await locks.acquire(name!, { ...ask, mode: take === undefined ? 'read' : 'write' }), (lease) => lease.token),
};

/** This library, as built. */
export const open: OpenLockClient = async ({ where, leaseMs, minReplicas, kind }) => {
  const settings = { lease: leaseMs, startupTimeout: 30_000, ...(minReplicas === 0 ? {} : { minReplicas }) };
  const locks = await connectLockService({ ...where, ...settings });
  return {
    acquire: (names, { lease: length, ...rest }) => {
      const ask = length === 'renew' ? rest : { ...rest, lease: length, renew: false as const };
      return ACQUIRE[kind.name](locks, names, ask, kind);
    },
    stats: () => {
      const { held, waiting, unsettled } = locks.stats();
      return { held, waiting, unsettled };
    },
    close: () => locks.close(),
  };
};

function inMode(mode: LockMode): Acquire {
  return async (locks, names, ask) =>
    names.length === 1
      ? held(await locks.acquire(names[0]!, { ...ask, mode }), (lease) => lease.token)
      : held(await locks.acquire(names, { ...ask, mode }), (lease, name) => lease.tokenOf(name));
}

function held<T extends Lease | MultiLease>(
  lease: T,
  tokenOf: (lease: T, name: string) => number | undefined,
): HeldLock {
  return {
    tokenOf: (name) => tokenOf(lease, name),
    remaining: () => lease.remaining(),
    signal: lease.signal,
    release: () => lease.release(),
  };
}
