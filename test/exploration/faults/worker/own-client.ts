import { connectLockService, type Lease, type MultiLease } from 'nestjs-redis-lock';
import type { HeldLock, OpenLockClient } from './lock-client.js';

/** This library, as built. */
export const open: OpenLockClient = async ({ where, leaseMs, minReplicas }) => {
  const settings = { lease: leaseMs, startupTimeout: 30_000, ...(minReplicas === 0 ? {} : { minReplicas }) };
  const locks = await connectLockService({ ...where, ...settings });
  return {
    acquire: async (names, { lease: length, ...rest }) => {
      const ask = length === 'renew' ? rest : { ...rest, lease: length, renew: false };
      if (names.length === 1) return held(await locks.acquire(names[0]!, ask), (lease) => lease.token);
      return held(await locks.acquire(names, ask), (lease, name) => lease.tokenOf(name));
    },
    stats: () => {
      const { held, waiting, unsettled } = locks.stats();
      return { held, waiting, unsettled };
    },
    close: () => locks.close(),
  };
};

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
