import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { connectLockService, LockConfigError, LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { commandsBetween, commandStats, type CommandCounts } from '../../support/command-stats.js';
import { lockKey, tokenKey } from '../../support/lock-keys.js';
import { describeWithRedisServer, type RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { Witness } from '../../support/witness.js';
import { quorumOf } from '../testing/test-quorum.js';

const LEASE_MS = 3_000;

describeWithRedisServer('five nodes', () => {
  const nodes = quorumOf(5, {}, { lease: LEASE_MS });
  const open = (): Promise<LockService> => nodes.open();
  let name: string;

  beforeEach(() => {
    name = uniqueName('quorum');
  });

  const openAll = (count: number): Promise<LockService[]> => Promise.all(Array.from({ length: count }, () => open()));
  const votes = async (): Promise<number> => {
    const held = await Promise.all(nodes.servers.map((server) => server.client().exists(lockKey(name))));
    return held.reduce((sum, each) => sum + each, 0);
  };
  const server = (index: number) => nodes.server(index);

  it('need one request each to acquire a lock, and one to release it', async () => {
    const locks = await open();
    // The scripts are known to every node after this.
    await locks.withLock(uniqueName('warm'), () => undefined);
    const stats = () => Promise.all(nodes.servers.map((each) => commandStats(each.client())));
    const callsOfFiveRounds = async (): Promise<(number | undefined)[]> => {
      const before = await stats();
      for (let round = 0; round < 5; round += 1) await locks.withLock(name, () => sleep(2));
      // The nodes that a majority did not need are still answering.
      await sleep(100);
      return (await stats()).map((after, index) => commandsBetween(before[index]!, after).get('evalsha'));
    };
    // A node that is slow on a busy machine is sent a further release, so one batch of rounds without any is enough.
    await waitUntil('five rounds cost each node ten requests', async () =>
      (await callsOfFiveRounds()).every((calls) => calls === 10),
    );
  });

  it.each([
    ['killed', (each: RedisServer) => each.kill(), (each: RedisServer) => each.restart()],
    [
      'stopped',
      (each: RedisServer) => {
        each.freeze();
        return Promise.resolve();
      },
      (each: RedisServer) => {
        each.thaw();
        return Promise.resolve();
      },
    ],
  ])('continue with two of them %s, and not with three', async (_how, harm, heal) => {
    const [here, there] = (await openAll(2)) as [LockService, LockService];
    const witness = new Witness();
    const work = async (locks: LockService): Promise<void> => {
      await locks.withLock(name, ({ token }) => witness.watch(token, () => sleep(2)));
    };
    await work(here);
    await harm(server(0));
    await harm(server(1));
    for (let round = 0; round < 5; round += 1) await Promise.all([here, there, here, there].map(work));
    expect(witness.most).toBe(1);
    expect(witness.tokensGrew).toBe(true);

    await harm(server(2));
    const error = await here.acquire(name, { wait: 300 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error).toMatchObject({ lockName: name, retryable: true });

    await heal(server(2));
    await work(there);
    expect(witness.tokensGrew).toBe(true);
  });

  it('grant the lock to exactly one of several attempts at the same time', async () => {
    const all = await openAll(4);
    for (let round = 0; round < 25; round += 1) {
      const leases = await Promise.all(all.map((locks) => locks.tryAcquire(name)));
      expect(leases.filter((lease) => lease !== null)).toHaveLength(1);
      for (const lease of leases) await lease?.release();
    }
  });

  it('serve every one of many contenders', async () => {
    const all = await openAll(4);
    const witness = new Witness();
    await Promise.all(
      all.flatMap((locks) =>
        Array.from({ length: 25 }, () =>
          locks.withLock(name, ({ token }) => witness.watch(token, () => sleep(1)), { wait: Infinity }),
        ),
      ),
    );
    expect(witness.tokens).toHaveLength(100);
    expect(witness.most).toBe(1);
    expect(witness.tokensGrew).toBe(true);
    await waitUntil('nothing is left on any node', async () => (await votes()) === 0);
  });

  it('keep no vote when they cannot agree', async () => {
    const locks = await open();
    for (const index of [0, 1, 2]) await server(index).client().hset(lockKey(name), 'somebody:1', 1);
    expect(await locks.tryAcquire(name)).toBeNull();
    await waitUntil('the two other votes are free', async () => (await votes()) === 3);
    expect(locks.stats().unsettled).toBe(0);
  });

  it('release a vote that a suspended node grants when it continues', async () => {
    const locks = await open();
    for (const index of [0, 1, 2]) await server(index).client().hset(lockKey(name), 'somebody:1', 1);
    server(4).freeze();
    expect(await locks.tryAcquire(name)).toBeNull();
    server(4).thaw();
    await waitUntil('its vote is free', async () => (await votes()) === 3);
    // Not by the end of the lease.
    const lease = await locks.tryAcquire(uniqueName());
    expect(await server(4).client().pttl(lockKey(name))).toBe(-2);
    await lease!.release();
  });

  it('do not let the release overtake the acquire on a node that has to load the script', async () => {
    const locks = await open();
    await locks.withLock(name, () => undefined);
    for (let round = 0; round < 20; round += 1) {
      await server(round % 5)
        .client()
        .script('FLUSH');
      await locks.withLock(name, () => undefined);
    }
    await waitUntil('nothing is left on any node', async () => (await votes()) === 0, 1_000);
  });

  it('issue growing tokens although each node stores another one', async () => {
    const locks = await open();
    const tokens: number[] = [];
    const take = () => locks.withLock(name, ({ token }) => tokens.push(token));
    await take();
    const ahead = tokens[0]! + 3_600_000_000;
    for (const [index, each] of nodes.servers.entries()) {
      await each.client().set(tokenKey(name), String(ahead + index * 1_000));
    }
    await take();
    // A majority knows the token before the section runs.
    const stored = await Promise.all(nodes.servers.map((each) => each.client().get(tokenKey(name))));
    expect(stored.filter((each) => Number(each) >= tokens[1]!).length).toBeGreaterThanOrEqual(3);
    for (const index of [0, 1]) server(index).freeze();
    await take();
    for (const index of [0, 1]) server(index).thaw();
    for (const index of [3, 4]) server(index).freeze();
    await waitUntil('the others are back', () => take().then(() => true));
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
    expect(tokens[1]).toBeGreaterThan(ahead + 2_000);
  });

  it('are counted once each: one server under two names is rejected', async () => {
    const urls = [...nodes.urls.slice(0, 2), nodes.urls[0]!.replace('127.0.0.1', 'localhost')];
    const error = await connectLockService({ quorum: urls, restartGuard: 0 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockConfigError);
    expect((error as Error).message).toContain('are the same Redis server');
  });

  describe('waiting', () => {
    it('needs no polling, even with a node down', async () => {
      const [here, there] = (await openAll(2)) as [LockService, LockService];
      const lease = await here.acquire(name, { lease: 20_000, renew: false });
      server(4).freeze();
      const waiting = Promise.all(Array.from({ length: 20 }, () => there.withLock(name, () => undefined)));
      await waitUntil('all wait', () => there.stats().waiting === 20);
      const asked = (): Promise<CommandCounts> => commandStats(server(0).client());
      // The first tries are over, however slow the machine is.
      await waitUntil('nothing is asked for half a second', async () => {
        const first = await asked();
        await sleep(500);
        return commandsBetween(first, await asked()).get('evalsha') === undefined;
      });
      const before = await asked();
      await sleep(1_500);
      const calls = commandsBetween(before, await asked());
      expect([calls.get('evalsha'), calls.get('eval'), calls.get('subscribe')]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      await lease.release();
      await waiting;
    });

    it.each([[[0, 1]], [[3, 4]]])('ends with a release although the nodes %p are suspended', async (indexes) => {
      const [here, there] = (await openAll(2)) as [LockService, LockService];
      const lease = await here.acquire(name, { lease: 20_000, renew: false });
      const waiting = there.acquire(name, { wait: 15_000 });
      await waitUntil('the other waits', () => there.stats().waiting === 1);
      await sleep(200);
      for (const index of indexes) server(index).freeze();
      await lease.release();
      const next = await waiting;
      expect(next.token).toBeGreaterThan(lease.token);
      await next.release();
    });
  });
});
