// Shows that every peer works through its adapter where nothing goes wrong: node test/exploration/faults/peers/smoke.mjs URL [URL…]
// With several URLs as a quorum of these servers.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPeers } from './install.mjs';

export const PEERS = ['redlock4', 'redlock5', 'redis-semaphore', 'redlock-universal'];

const urls = process.argv.slice(2);
if (urls.length === 0) throw new Error('Usage: node test/exploration/faults/peers/smoke.mjs redis://…');
installPeers();
const where = urls.length === 1 ? { url: urls[0] } : { quorum: urls };

for (const peer of PEERS) {
  const { open } = await import(`./${peer}.mjs`);
  const setup = { where, leaseMs: 900, minReplicas: 0 };
  const [one, other] = [await open(setup), await open(setup)];
  const name = `smoke:${peer}:${process.pid}`;

  const held = await one.acquire([name], { wait: 1_000, lease: 'renew' });
  await assert.rejects(other.acquire([name], { wait: 150, lease: 'renew' }), ({ code }) => /BUSY|GAVE_UP/.test(code));
  await sleep(2_000);
  assert.notEqual(held.remaining(), 0, 'it is extended while it is held');
  await assert.rejects(other.acquire([name], { wait: 0, lease: 500 }));
  const waiting = other.acquire([name], { wait: Infinity, lease: 400 });
  await sleep(50);
  assert.deepEqual(other.stats(), { held: 0, waiting: 1 });
  assert.equal(await held.release(), 'released');
  const next = await waiting;
  await sleep(600);
  // It was not extended: its lease is over, and somebody else can have it.
  const third = await one.acquire([name], { wait: 1_000, lease: 'renew' });
  await next.release();
  await assert.rejects(other.acquire([name], { wait: 0, lease: 500 }), 'the late release deleted nothing of others');
  const abort = new AbortController();
  const aborted = other.acquire([name], { wait: Infinity, lease: 400, signal: abort.signal });
  abort.abort();
  await assert.rejects(aborted, { code: 'LOCK_ABORTED' });
  await third.release();
  await sleep(700);
  assert.deepEqual(
    [one.stats(), other.stats()],
    [
      { held: 0, waiting: 0 },
      { held: 0, waiting: 0 },
    ],
  );
  await Promise.all([one.close(), other.close()]);
  console.log(`${peer}: works`);
}
