import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectLockService,
  currentLease,
  LeaderElection,
  lockChannels,
  LockConfigError,
  LockNameError,
  LockShutdownError,
  MemoryState,
  type ElectedMessage,
  type Lease,
  type LockService,
  type TermEndedMessage,
  type TermOverdueMessage,
} from 'nestjs-redis-lock';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { testRedisUrl, uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

/** The code of a leader that does what it should: it ends when its signal aborts. */
const untilAbort = async ({ signal }: Lease): Promise<void> => {
  if (!signal.aborted) await once(signal, 'abort');
};

describeWithRedisServer('a leader election on other servers', () => {
  it('starts when Redis can be reached, if it was down at start-up', async () => {
    await using server = await RedisServer.start();
    await server.kill();
    const locks = await connectLockService({ url: server.url, startup: 'background' });
    const election = new LeaderElection(locks, 'outbox');
    const leading = election.lead(untilAbort);
    await sleep(300);
    expect(election.isLeader).toBe(false);
    await server.restart();
    await waitUntil('it leads', () => election.isLeader);
    await locks.close();
    await leading;
  });

  it('ends with its signal, or with the service, while Redis is down', async () => {
    await using server = await RedisServer.start();
    const [locks, others] = await Promise.all([1, 2].map(() => connectLockService({ url: server.url })));
    await server.kill();
    const stop = new AbortController();
    const leading = new LeaderElection(locks!, 'outbox').lead(untilAbort, { signal: stop.signal });
    const otherLeading = new LeaderElection(others!, 'outbox').lead(untilAbort);
    await sleep(300);
    stop.abort();
    await leading;
    await others!.close();
    await otherLeading;
    await locks!.close();
  });

  it('needs no permission for the record of the leader, which is then not known', async () => {
    await using server = await RedisServer.start();
    const admin = server.client();
    const keys = ['~lock:*', '~redisson_lock_token:{lock:*', '&redisson_lock__channel:{lock:*'];
    await admin.call('ACL', 'SETUSER', 'locks', 'on', '>secret', 'resetchannels', ...keys, '+@all');
    const url = server.url.replace('//', '//locks:secret@');
    await using locks = await connectLockService({ url });
    const election = new LeaderElection(locks, 'outbox');
    const leading = election.lead(untilAbort);
    await waitUntil('it leads', () => election.isLeader);
    expect(await election.leader()).toEqual({ token: expect.any(Number), where: undefined, since: undefined });
    await locks.close();
    await leading;
  });

  it('tries again, with a warning, while Redis refuses its requests', async () => {
    await using server = await RedisServer.start();
    const admin = server.client();
    const warnings: string[] = [];
    const logger = { warn: (message: string) => warnings.push(message) };
    await using locks = await connectLockService({ url: server.url, logger });
    // The key of the lock has another type.
    await admin.set('lock:outbox', 'not a lock');
    const election = new LeaderElection(locks, 'outbox');
    const leading = election.lead(untilAbort);
    await waitUntil('it is reported', () => warnings.some((line) => line.includes('cannot become leader "outbox"')));
    await admin.del('lock:outbox');
    await waitUntil('it leads', () => election.isLeader);
    await locks.close();
    await leading;
  });

  it('works on a cluster', async () => {
    await using cluster = await RedisCluster.start({ replicas: 0 });
    await using locks = await connectLockService({ cluster: { nodes: cluster.nodes } });
    const elections = ['a', 'b', 'c{d}'].map((each) => new LeaderElection(locks, each));
    const leading = elections.map((election) => election.lead(untilAbort));
    for (const election of elections) {
      await waitUntil('it leads', () => election.isLeader);
      expect(await election.leader()).toMatchObject({ where: `${hostname()}:${process.pid}` });
    }
    await locks.close();
    await Promise.all(leading);
  });

  it('works over a quorum, where only the token of the leader is known', async () => {
    await using nodes = await QuorumNodes.start(3);
    const replicas = await Promise.all([1, 2].map(() => connectLockService({ quorum: nodes.urls, restartGuard: 0 })));
    const elections = replicas.map((locks) => new LeaderElection(locks, 'outbox'));
    const leading = elections.map((election) => election.lead(untilAbort));
    await waitUntil('one leads', () => elections.some(({ isLeader }) => isLeader));
    const leader = elections.findIndex(({ isLeader }) => isLeader);
    expect(await elections[1 - leader]!.leader()).toEqual({
      token: expect.any(Number),
      where: undefined,
      since: undefined,
    });
    await replicas[leader]!.close();
    await waitUntil('the other leads', () => elections[1 - leader]!.isLeader);
    await replicas[1 - leader]!.close();
    await Promise.all(leading);
  });
});

describe.each(['Redis', 'memory'] as const)('a leader election on %s', (store) => {
  // A renewal, and with it the detection of a forced release, comes after a third of it.
  const LEASE_MS = 4_000;
  let name: string;
  let replicas: LockService[];
  let warnings: string[];
  const elected: ElectedMessage[] = [];
  const ended: TermEndedMessage[] = [];
  const overdue: TermOverdueMessage[] = [];
  const channels: [string, (message: unknown) => void][] = [
    [lockChannels.elected, (message) => void elected.push(message as ElectedMessage)],
    [lockChannels.termEnded, (message) => void ended.push(message as TermEndedMessage)],
    [lockChannels.termOverdue, (message) => void overdue.push(message as TermOverdueMessage)],
  ];

  beforeEach(async () => {
    name = uniqueName('leader');
    warnings = [];
    for (const list of [elected, ended, overdue]) list.length = 0;
    for (const [channel, listener] of channels) subscribe(channel, listener);
    const state = new MemoryState();
    const connection = store === 'Redis' ? { url: testRedisUrl() } : { memory: state };
    const logger = { warn: (message: string) => warnings.push(message) };
    replicas = await Promise.all(
      [1, 2, 3].map(() => connectLockService({ ...connection, lease: LEASE_MS, shutdownTimeout: 5_000, logger })),
    );
  });
  afterEach(async () => {
    await Promise.all(replicas.map((locks) => locks.close()));
    for (const [channel, listener] of channels) unsubscribe(channel, listener);
  });

  const [first, second] = [() => replicas[0]!, () => replicas[1]!];

  it('has one leader, and the others wait without a request', async () => {
    const elections = replicas.map((locks) => new LeaderElection(locks, name));
    const stop = new AbortController();
    const tokens: number[] = [];
    const leading = elections.map((election) =>
      election.lead(
        async (term) => {
          tokens.push(term.token);
          await untilAbort(term);
        },
        { signal: stop.signal },
      ),
    );
    await waitUntil('the others wait', () => replicas.filter((locks) => locks.stats().waiting === 1).length === 2);
    await sleep(100);
    expect(elections.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    expect(elected).toEqual([{ name, token: tokens[0] }]);
    stop.abort();
    await Promise.all(leading);
    expect(tokens).toHaveLength(1);
    expect(elections.filter(({ isLeader }) => isLeader)).toEqual([]);
    expect(replicas.map((locks) => locks.stats())).toEqual(
      Array(3).fill(expect.objectContaining({ held: 0, waiting: 0 })),
    );
  });

  it('tells every process who leads, since when, and with which token', async () => {
    const stop = new AbortController();
    const [election, other] = [new LeaderElection(first(), name), new LeaderElection(second(), name)];
    expect(await other.leader()).toBeNull();
    const before = Date.now();
    const leading = election.lead(untilAbort, { signal: stop.signal });
    await waitUntil('it leads', () => election.isLeader);
    const leader = await other.leader();
    expect(leader).toMatchObject({ token: elected[0]!.token, where: `${hostname()}:${process.pid}` });
    expect(Math.abs(leader!.since!.getTime() - before)).toBeLessThan(60_000);
    stop.abort();
    await leading;
    expect(await other.leader()).toBeNull();
  });

  it('does not call the record of an earlier term that of the present holder of the lock', async () => {
    const stop = new AbortController();
    const election = new LeaderElection(first(), name);
    const leading = election.lead(untilAbort, { signal: stop.signal });
    await waitUntil('it is recorded', async () => (await election.leader())?.where);
    stop.abort();
    await leading;
    const lease = await second().acquire(name);
    expect(await election.leader()).toEqual({ token: lease.token, where: undefined, since: undefined });
    await lease.release();
  });

  it('hands over when the leader resigns by its signal, and the next one has a larger token', async () => {
    const stop = new AbortController();
    const reason = new Error('drained');
    let aborted: unknown;
    const leading = new LeaderElection(first(), name).lead(
      async (term) => {
        await untilAbort(term);
        aborted = term.signal.reason;
        // The lock is held until the code has ended.
        term.assertHeld();
        expect(currentLease()).toBe(term);
      },
      { signal: stop.signal },
    );
    await waitUntil('the first leads', () => elected.length === 1);
    const next = new LeaderElection(second(), name);
    const nextLeading = next.lead(untilAbort);
    await waitUntil('the second waits', () => second().stats().waiting === 1);
    stop.abort(reason);
    await leading;
    expect(aborted).toMatchObject({ code: 'LOCK_ABORTED', cause: reason, lockName: name });
    await waitUntil('the second leads', () => next.isLeader);
    expect(elected[1]!.token).toBeGreaterThan(elected[0]!.token);
    expect(ended).toEqual([{ name, token: elected[0]!.token, reason: 'resigned', ledMs: expect.any(Number) }]);
    await second().close();
    await nextLeading;
    expect(warnings).toEqual([]);
  });

  it.each(['refuse', 'close'] as const)('resigns at once when the service is shut down (%s)', async (how) => {
    let reason: unknown;
    const leading = new LeaderElection(first(), name).lead(async (term) => {
      await untilAbort(term);
      reason = term.signal.reason;
      // Code that ends may need another lock.
      await first().withLock(`${name}:other`, () => undefined);
    });
    await waitUntil('it leads', () => elected.length === 1);
    const waiting = new LeaderElection(second(), name).lead(untilAbort);
    await waitUntil('the second waits', () => second().stats().waiting === 1);
    await first()[how]();
    await leading;
    expect(reason).toBeInstanceOf(LockShutdownError);
    await waitUntil('the second leads', () => elected.length === 2);
    await second()[how]();
    await waiting;
    expect(warnings).toEqual([]);
  });

  it('ends at once on a service that is closed, or with a signal that has aborted', async () => {
    await first().close();
    let runs = 0;
    await new LeaderElection(first(), name).lead(() => (runs += 1));
    await new LeaderElection(second(), name).lead(() => (runs += 1), { signal: AbortSignal.abort() });
    expect(runs).toBe(0);
  });

  it('campaigns again when its term is lost, after its code has ended', async () => {
    const order: string[] = [];
    const election = new LeaderElection(first(), name);
    const leading = election.lead(async (term) => {
      order.push('begin');
      await untilAbort(term);
      expect(election.isLeader).toBe(false);
      await sleep(50);
      order.push('end');
      throw term.signal.reason as Error;
    });
    await waitUntil('it leads', () => elected.length === 1);
    await second().forceRelease(name);
    await waitUntil('it leads again', () => elected.length === 2);
    expect(order).toEqual(['begin', 'end', 'begin']);
    expect(ended).toEqual([{ name, token: elected[0]!.token, reason: 'lost', ledMs: expect.any(Number) }]);
    await first().close();
    await leading;
    expect(warnings.filter((line) => !line.includes('was lost while it was held'))).toEqual([]);
  });

  it('reports code that ignores its signal once, and begins no new term in this process before it ends', async () => {
    let end: () => void = () => undefined;
    const stubborn = new LeaderElection(first(), name);
    const leading = stubborn.lead(() => new Promise<void>((resolve) => (end = resolve)));
    await waitUntil('it leads', () => elected.length === 1);
    await second().forceRelease(name);
    const overdueWarnings = () => warnings.filter((line) => line.includes('still runs'));
    await waitUntil('it is reported', () => overdueWarnings().length > 0);
    expect(overdue).toEqual([{ name, token: elected[0]!.token, overdueMs: expect.any(Number) }]);
    expect(stubborn.isLeader).toBe(false);
    // Another process can lead meanwhile.
    const other = new LeaderElection(second(), name);
    const otherLeading = other.lead(untilAbort);
    await waitUntil('the other leads', () => other.isLeader);
    await second().close();
    await otherLeading;
    // The lock is free, and this process does not take it.
    await sleep(300);
    expect(elected).toHaveLength(2);
    end();
    await waitUntil('it leads again', () => elected.length === 3);
    expect(overdueWarnings()).toHaveLength(1);
    expect(overdue).toHaveLength(1);
    end();
    await first().close();
    await leading;
  });

  it('resigns when its code returns, warns if that was soon, and campaigns again', async () => {
    const election = new LeaderElection(first(), name);
    const leading = election.lead(() => undefined);
    await waitUntil('it has led three times', () => elected.length === 3);
    expect(ended[0]).toMatchObject({ reason: 'returned' });
    expect(warnings).toEqual([expect.stringContaining('leads only while its code runs')]);
    await first().close();
    await leading;
  });

  it('resigns when its code fails, logs the error, and campaigns again after a pause that grows', async () => {
    const failure = new Error('no socket');
    const began: number[] = [];
    const leading = new LeaderElection(first(), name).lead(() => {
      began.push(performance.now());
      throw failure;
    });
    await waitUntil('it has led four times', () => began.length === 4);
    expect(ended.slice(0, 3)).toEqual(
      elected.slice(0, 3).map(({ token }) => ({
        name,
        token,
        reason: 'failed',
        ledMs: expect.any(Number),
        error: failure,
      })),
    );
    const [a, b, c, d] = began as [number, number, number, number];
    expect(b - a).toBeGreaterThanOrEqual(99);
    expect(c - b).toBeGreaterThanOrEqual(199);
    expect(d - c).toBeGreaterThanOrEqual(399);
    expect(warnings[0]).toContain('no socket');
    await first().close();
    await leading;
  });

  it('lets another process lead while a failing one pauses', async () => {
    const leading = new LeaderElection(first(), name).lead(() => {
      throw new Error('always');
    });
    await waitUntil('it has failed', () => ended.length > 0);
    const next = new LeaderElection(second(), name);
    const nextLeading = next.lead(untilAbort);
    await waitUntil('the other leads', () => next.isLeader);
    await Promise.all([first().close(), second().close()]);
    await Promise.all([leading, nextLeading]);
  });

  it('reports an error of code that ends after its signal, unless it only repeats the abort', async () => {
    const stop = new AbortController();
    const leading = new LeaderElection(first(), name).lead(
      async (term) => {
        await untilAbort(term);
        throw new Error('no flush', { cause: 'disk' });
      },
      { signal: stop.signal },
    );
    await waitUntil('it leads', () => elected.length === 1);
    stop.abort();
    await leading;
    expect(ended).toEqual([expect.objectContaining({ reason: 'resigned', error: expect.any(Error) })]);
    expect(warnings).toEqual([expect.stringContaining('no flush')]);
  });

  it.each([
    { what: 'its signal', code: ({ signal }: Lease) => sleep(60_000, undefined, { signal, ref: false }) },
    {
      what: 'assertHeld',
      code: async (term: Lease) => {
        await untilAbort(term);
        term.assertHeld();
      },
    },
  ])('does not report an error that comes from $what', async ({ code }) => {
    const leading = new LeaderElection(first(), name).lead(code);
    await waitUntil('it leads', () => elected.length === 1);
    await second().forceRelease(name);
    await waitUntil('its term has ended', () => ended.length === 1);
    expect(ended[0]).toEqual({ name, token: elected[0]!.token, reason: 'lost', ledMs: expect.any(Number) });
    await first().close();
    await leading;
    expect(warnings.filter((line) => !line.includes('was lost while it was held'))).toEqual([]);
  });

  it('resigns early if its code releases the lease', async () => {
    const election = new LeaderElection(first(), name);
    let leads: boolean | undefined;
    const leading = election.lead(async (term) => {
      if (leads !== undefined) return untilAbort(term);
      await term.release();
      leads = election.isLeader;
    });
    await waitUntil('its second term has begun', () => elected.length === 2);
    expect(leads).toBe(false);
    await first().close();
    await leading;
  });

  it('resigns, and has not lost its term, if its signal is that of a lease that is lost', async () => {
    const outer = await first().acquire(`${name}:outer`);
    const leading = new LeaderElection(first(), name).lead(untilAbort, { signal: outer.signal });
    await waitUntil('it leads', () => elected.length === 1);
    await second().forceRelease(`${name}:outer`);
    await leading;
    expect(ended).toEqual([expect.objectContaining({ reason: 'resigned' })]);
  });

  it('rejects a second campaign of one service under one name, and allows one after the other', async () => {
    const stop = new AbortController();
    const leading = new LeaderElection(first(), name).lead(untilAbort, { signal: stop.signal });
    await expect(new LeaderElection(first(), name).lead(untilAbort)).rejects.toThrow('already campaigns');
    stop.abort();
    await leading;
    await new LeaderElection(first(), name).lead(untilAbort, { signal: AbortSignal.timeout(50) });
  });

  it('rejects a campaign from a section of the same lock', async () => {
    const campaign = first().withLock(name, () => new LeaderElection(first(), name).lead(untilAbort));
    await expect(campaign).rejects.toMatchObject({ code: 'LOCK_BUSY', reason: 'nested' });
  });

  it('outlives the section from which its campaign was started', async () => {
    const stop = new AbortController();
    let leading: Promise<void> | undefined;
    await first().withLock(`${name}:start`, () => {
      leading = new LeaderElection(first(), name).lead(untilAbort, { signal: stop.signal });
    });
    await waitUntil('it leads', () => elected.length === 1);
    await first().withLock(`${name}:start`, () => undefined, { wait: 1_000 });
    stop.abort();
    await leading;
  });

  it('rejects invalid names and options', async () => {
    const create = (...args: unknown[]) => Reflect.construct(LeaderElection, [first(), ...args]) as LeaderElection;
    expect(() => create('')).toThrow(LockNameError);
    expect(() => create(name, { lease: 0 })).toThrow('"lease"');
    expect(() => create(name, { wait: 5 })).toThrow('"wait"');
    expect(() => create(name, null)).toThrow(LockConfigError);
    await expect(create(name).lead(undefined as never)).rejects.toThrow('needs a function');
    await expect(create(name).lead(untilAbort, { signal: {} as never })).rejects.toThrow('"signal"');
    await expect(create(name).lead(untilAbort, { sig: 1 } as never)).rejects.toThrow('"sig"');
  });
});
