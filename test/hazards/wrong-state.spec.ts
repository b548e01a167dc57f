import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { connectLockService, LockLostError, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { freeClusterPort } from '../support/cluster-port.js';
import { describeSince7 } from '../support/describe-unless.js';
import { lockKey } from '../support/lock-keys.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { waitUntil } from '../support/wait-until.js';
import { WRONG_STATES, type WrongState } from '../support/wrong-states.js';

const LEASE_MS = 1_500;
/** Time enough to see a refusal and to mend its cause on a busy machine. */
const LONG_LEASE_MS = 6_000;
const NODES = 3;
/** A client's id and the number of a hold. */
const OWNER = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d/;

const errorOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Where connections are cut first, the cause is known only when they come again. In the meantime nothing is granted. */
async function untilItSays(locks: LockService, code: string): Promise<void> {
  await waitUntil(`it says ${code}`, async () => {
    const error = await errorOf(locks.acquire(uniqueName('new'), { wait: 0 }));
    expect(error).toBeInstanceOf(LockUnavailableError);
    // Owners are not for logs, which may print an error with all that belongs to it.
    expect(inspect(error, { depth: 10 })).not.toMatch(OWNER);
    return (error as Error).message.includes(code);
  });
}

async function prepared(state: WrongState): Promise<{ server: RedisServer; admin: Redis }> {
  const options = state.settings.includes('--cluster-enabled') ? { port: await freeClusterPort() } : {};
  const server = await RedisServer.startWith(options, ...state.settings);
  const admin = server.client();
  await state.prepare?.(admin);
  return { server, admin };
}

function describeEachState(tests: (state: WrongState) => void): void {
  for (const state of WRONG_STATES) (state.since7 ? describeSince7 : describe)(state.code, () => tests(state));
}

describeWithRedisServer('a server in the wrong state', () => {
  describeEachState((state) => {
    let server: RedisServer;
    let admin: Redis;
    let locks: LockService;

    beforeEach(async () => {
      ({ server, admin } = await prepared(state));
      locks = await connectLockService({
        url: server.url,
        lease: LEASE_MS,
        commandTimeout: 300,
        shutdownTimeout: 100,
      });
    });
    afterEach(async () => {
      await locks.close();
      await server.stop();
    });

    it('no lock is granted, no caller gets "busy", and a holder keeps its lease and is notified of its end', async () => {
      const held = await locks.acquire(uniqueName('held'));
      const until = performance.now() + held.remaining();
      await state.enter(admin, server);

      await untilItSays(locks, state.code);
      const waited = await errorOf(locks.acquire(uniqueName('new'), { wait: 100 }));
      expect(waited).toBeInstanceOf(LockUnavailableError);
      const taken = await errorOf(locks.acquire(held.name, { wait: 0, nested: 'refuse' }));
      if (state.renews === undefined) {
        // Reading may still be allowed, as on a replica.
        const seen = await locks.inspect(held.name).catch((error: unknown) => error);
        if (seen instanceof Error) expect(seen).toBeInstanceOf(LockUnavailableError);
        else expect(seen).toMatchObject({ held: performance.now() < until });
        await waitUntil('the holder is told', () => held.signal.aborted);
        expect(held.signal.reason).toBeInstanceOf(LockLostError);
        expect(held.remaining()).toBe(0);
      } else {
        await waitUntil('its lease is prolonged', () => performance.now() > until);
        expect(held.signal.aborted).toBe(false);
      }
      // Within this process it is known to be taken, so nobody has to ask the server.
      expect((taken as Error).name).toMatch(/^Lock(Unavailable|Busy)Error$/);
      await state.leave(admin);
      await held.release();
      await locks.withLock(held.name, () => undefined);
      await untilIdle(locks);
      expect(await admin.exists(lockKey(held.name))).toBe(0);
    });

    if (state.slow !== undefined || state.renews !== undefined) return;

    it('renews a held lock again when the state passes within the lease', async () => {
      await using others = await connectLockService({ url: server.url, lease: LONG_LEASE_MS, shutdownTimeout: 100 });
      const held = await others.acquire(uniqueName('held'));
      await state.enter(admin, server);
      // A renewal is due at a third of the lease, and is refused; the lease runs on.
      await waitUntil('renewals were refused', () => held.signal.aborted || held.remaining() < LONG_LEASE_MS / 2);
      await state.leave(admin);
      expect(held.signal.aborted).toBe(false);
      await waitUntil('it is renewed', () => held.remaining() > (LONG_LEASE_MS * 2) / 3);
      await expect(held.release()).resolves.toBe('released');
    });
  });
});

describeWithRedisServer('of three nodes, some in the wrong state', () => {
  describeEachState((state) => {
    let nodes: { server: RedisServer; admin: Redis }[];
    let locks: LockService;

    beforeEach(async () => {
      nodes = await Promise.all(Array.from({ length: NODES }, () => prepared(state)));
      const urls = nodes.map(({ server }) => server.url);
      locks = await connectLockService({ quorum: urls, lease: LEASE_MS, restartGuard: 0, shutdownTimeout: 100 });
    });
    afterEach(async () => {
      await locks.close();
      await Promise.all(nodes.map(({ server }) => server.stop()));
    });

    it('are outvoted as a minority; as a majority they grant no lock', async () => {
      const [first, second] = nodes;
      await state.enter(first!.admin, first!.server);
      const held = await locks.acquire(uniqueName('minority'));
      const until = performance.now() + held.remaining();
      await waitUntil('its lease would be over', () => performance.now() > until);
      expect(held.signal.aborted).toBe(false);
      await expect(held.release()).resolves.toBe('released');

      await state.enter(second!.admin, second!.server);
      await untilItSays(locks, state.code);

      await Promise.all([state.leave(first!.admin), state.leave(second!.admin)]);
      await locks.withLock(uniqueName('healed'), () => undefined, { wait: Infinity });
      await untilIdle(locks);
    });
  });
});
