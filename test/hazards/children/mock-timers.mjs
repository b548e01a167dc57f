// Run with `node --test`: the fake timers of node:test do not affect the globals of Jest.
import { strict as assert } from 'node:assert';
import { afterEach, beforeEach, it, mock } from 'node:test';
import { createLockService } from 'nestjs-redis-lock';

const install = () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.now() });
};
const busy = { code: 'LOCK_BUSY' };
let locks;

beforeEach(() => {
  locks = createLockService({ memory: true });
});
afterEach(async () => {
  await locks.close();
  mock.timers.reset();
});

it('ends a wait and a lease in real time while the fakes are never advanced', async () => {
  install();
  const lease = await locks.acquire('a', { lease: 400, renew: false });
  await assert.rejects(locks.acquire('a', { wait: 200, nested: 'wait' }), busy);
  // Only a caller that waits keeps the process alive.
  await (await locks.acquire('a', { wait: 60_000, nested: 'wait' })).release();
  assert.equal(lease.signal.aborted, true);
  await lease.release();
});

for (const round of [1, 2]) {
  it(`works with fakes that are installed again, and are removed while a caller waits, round ${round}`, async () => {
    install();
    const lease = await locks.acquire('a');
    const waiting = assert.rejects(locks.acquire('a', { wait: 400, nested: 'wait' }), busy);
    mock.timers.reset();
    await waiting;
    await lease.release();
    install();
    const next = await locks.acquire('a', { lease: 60_000, renew: false });
    mock.timers.tick(30_000);
    assert.equal(next.signal.aborted, false);
    mock.timers.tick(30_000);
    await new Promise(setImmediate);
    assert.equal(next.signal.aborted, true);
    await next.release();
  });
}
