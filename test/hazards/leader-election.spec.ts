import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { connectLockService, LeaderElection } from 'nestjs-redis-lock';
import { ChildScript, type ChildMessage } from '../support/child-script.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const LEASE_MS = 3_000;

describeWithRedisServer('a leader election of several processes', () => {
  let server: RedisServer;
  let name: string;
  let children: ChildScript[];

  beforeEach(async () => {
    server = await RedisServer.start();
    name = uniqueName('leader');
    children = [];
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await server.stop();
  });

  const start = async (more: object = {}): Promise<ChildScript> => {
    const order = { connection: { url: server.url }, name, lease: LEASE_MS, ...more };
    const child = ChildScript.start('hazards/children/leader.mjs', [JSON.stringify(order)]);
    children.push(child);
    await child.next('ready');
    return child;
  };

  /** A process that leads, and one that waits. */
  const startBoth = async (
    ofLeader: object = {},
  ): Promise<[leader: ChildScript, other: ChildScript, first: ChildMessage]> => {
    const leader = await start(ofLeader);
    const first = await leader.next('elected');
    return [leader, await start(), first];
  };

  const all = (type: string): ChildMessage[] =>
    children.flatMap(({ messages }) => messages).filter((each) => each.type === type);
  const terms = (): ChildMessage[] => all('elected').sort((a, b) => Number(a.at) - Number(b.at));

  /** Each term had a larger token than the one before. */
  const expectGrowingTokens = (): void => {
    const tokens = terms().map(({ token }) => Number(token));
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(tokens.length);
  };

  /** Ends all processes as a deployment does: each resigns and ends by itself. */
  const stopAll = async (): Promise<void> => {
    for (const child of children) child.thaw();
    const exits = await Promise.all(children.map((child) => child.kill('SIGTERM')));
    expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null, stderr: '' })));
    expect(all('defect')).toEqual([]);
    expectGrowingTokens();
  };

  it('hands over at SIGTERM, long before the lease ends', async () => {
    const [leader, other, first] = await startBoth({ lease: 3_600_000 });
    const exit = leader.kill('SIGTERM');
    const next = await other.next('elected');
    expect(Number(next.token)).toBeGreaterThan(Number(first.token));
    expect(await leader.next('aborted')).toMatchObject({ code: 'LOCK_SHUTDOWN', token: first.token });
    const ended = await leader.next('ended');
    expect(Number(ended.at)).toBeLessThanOrEqual(Number(next.at));
    expect(await exit).toEqual({ code: 0, signal: null, stderr: '' });
    expect((await leader.next('resigned')).stats).toMatchObject({ held: 0, waiting: 0, unsettled: 0 });
    children.splice(children.indexOf(leader), 1);
    await stopAll();
  });

  it('elects the next leader when the lease of a killed one has ended', async () => {
    const [leader, other] = await startBoth();
    const killedAt = Number(process.hrtime.bigint() / 1_000n) / 1_000;
    await leader.kill();
    children.splice(children.indexOf(leader), 1);
    const next = await other.next('elected');
    // One lease, and another one for a busy machine.
    expect(Number(next.at) - killedAt).toBeLessThan(2 * LEASE_MS);
    await stopAll();
  });

  it.each(['replies', 'requests'] as const)(
    'has no second leader before the first is told if renewals are slow (%s)',
    async (way) => {
      await using proxy = await TcpProxy.start(server.url);
      const [leader, other, first] = await startBoth({ connection: { url: proxy.url } });
      proxy[way] = 'hold';
      const next = await other.next('elected');
      const aborted = await leader.next('aborted');
      expect(aborted).toMatchObject({ token: first.token, code: 'LOCK_LOST', reason: 'expired' });
      expect(Number(aborted.at)).toBeLessThanOrEqual(Number(next.at));
      // The late renewals arrive now: they must neither revive the first term nor end the second.
      proxy.resume();
      leader.send({ type: 'leads' });
      expect(await leader.next('leads')).toMatchObject({ isLeader: false, leader: { token: next.token } });
      expect(terms()).toHaveLength(2);
      await stopAll();
    },
  );

  it('has a next leader while a stopped one stands still, which knows that it lost when it continues', async () => {
    const [leader, other, first] = await startBoth();
    leader.freeze();
    const next = await other.next('elected');
    leader.thaw();
    expect(await leader.next('aborted')).toMatchObject({ token: first.token, code: 'LOCK_LOST' });
    await leader.next('ended');
    leader.send({ type: 'leads' });
    expect(await leader.next('leads')).toMatchObject({ isLeader: false, leader: { token: next.token } });
    await stopAll();
  });

  it('has a next leader while the event loop of one is blocked, which is no leader in its next statement', async () => {
    const [leader, other, first] = await startBoth();
    leader.send({ type: 'block', ms: 3 * LEASE_MS });
    await leader.next('blocks');
    const next = await other.next('elected');
    expect(await leader.next('blocked')).toMatchObject({ isLeader: false });
    expect(await leader.next('aborted')).toMatchObject({ token: first.token, code: 'LOCK_LOST' });
    expect(Number(next.token)).toBeGreaterThan(Number(first.token));
    await stopAll();
  });

  it('lets a method that ignores its signal run beside the next leader, and elects its process only when it has ended', async () => {
    await using proxy = await TcpProxy.start(server.url);
    const [leader, other, first] = await startBoth({ connection: { url: proxy.url }, ignores: true });
    proxy.pause();
    const next = await other.next('elected');
    proxy.resume();
    await leader.next('aborted');
    await waitUntil('it is reported', () =>
      all('warning').some(({ message }) => String(message).includes('still runs')),
    );
    // The lock becomes free, and the process whose term is not over does not take it.
    await other.kill('SIGTERM');
    children.splice(children.indexOf(other), 1);
    await using outside = await connectLockService({ url: server.url });
    expect(await new LeaderElection(outside, name).leader()).toBeNull();
    expect(leader.messages.filter(({ type }) => type === 'elected')).toHaveLength(1);
    leader.send({ type: 'end' });
    const third = await leader.next('elected');
    expect(Number(third.token)).toBeGreaterThan(Number(next.token));
    expect(Number(first.token)).toBeLessThan(Number(next.token));
    leader.send({ type: 'end' });
    await leader.next('ended');
    await leader.kill();
  });

  it.each(['with its data', 'empty'])(
    'elects one leader when Redis is back %s after longer than the lease',
    async (how) => {
      const [leader, , first] = await startBoth();
      if (how === 'empty') await server.kill();
      else server.freeze();
      // The leader is told while Redis is away.
      expect(await leader.next('aborted')).toMatchObject({ token: first.token, code: 'LOCK_LOST', reason: 'expired' });
      await leader.next('ended');
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
      expect(terms()).toHaveLength(1);
      if (how === 'empty') await server.restart();
      else server.thaw();
      await waitUntil('there is a leader', () => terms().length > 1);
      // A moment later it is still the only one.
      await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
      expect(terms()).toHaveLength(2);
      await stopAll();
    },
  );

  it('has one leader again after a failover of Sentinel', async () => {
    await using set = await SentinelSet.start();
    const connection = { redis: { sentinels: set.sentinels, name: set.name } };
    await startBoth({ connection });
    const other = children[1]!;
    await other.kill();
    children.splice(1, 1);
    const second = await start({ connection });
    const old = await set.master();
    await old.kill();
    await set.untilNewMaster(old);
    const leads = async (child: ChildScript): Promise<ChildMessage> => {
      child.send({ type: 'leads' });
      return child.next('leads');
    };
    const oneLeader = async (): Promise<boolean> => {
      const both = await Promise.all([children[0]!, second].map(leads));
      const leader = both.map((each) => each.leader as { where?: string } | null);
      return both.filter(({ isLeader }) => isLeader).length === 1 && leader.every((each) => each !== null);
    };
    await waitUntil('one of them leads, and both know', oneLeader, 60_000);
    await stopAll();
  });
});
