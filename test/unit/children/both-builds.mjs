// Loads both builds of the package side by side, as an application does when one of its dependencies requires what
// another imports.
import { createRequire } from 'node:module';
import * as esm from 'nestjs-redis-lock';

const cjs = createRequire(import.meta.url)('nestjs-redis-lock');
const busy = ({ LockBusyError }) => new LockBusyError('n', { reason: 'held', waitedMs: 0, remainingMs: undefined });

const locks = esm.createLockService({ memory: true });
const sectionSeenAcross = await locks.withLock('n', ({ token }) => cjs.currentLease()?.token === token);
await locks.close();

console.log(
  JSON.stringify({
    differentClasses: esm.LockBusyError !== cjs.LockBusyError,
    esmBusyIsCjsBusy: busy(esm) instanceof cjs.LockBusyError,
    cjsBusyIsEsmBusy: busy(cjs) instanceof esm.LockBusyError,
    esmBusyIsCjsBase: busy(esm) instanceof cjs.LockError,
    esmBusyIsCjsLost: busy(esm) instanceof cjs.LockLostError,
    plainIsCjsBase: new Error('plain') instanceof cjs.LockError,
    sectionSeenAcross,
  }),
);
