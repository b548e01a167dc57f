import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  connectLockService,
  createLockService,
  LockConfigError,
  LockUnavailableError,
  type LockService,
} from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { quorumOf } from '../testing/test-quorum.js';

describeWithRedisServer('one server under two names', () => {
  const nodes = quorumOf(3, { proxies: true });
  /** Another name of the first server. */
  let alias: TcpProxy;
  let lines: string[];

  beforeEach(async () => {
    alias = await TcpProxy.start(nodes.servers[0]!.url);
    lines = [];
  });
  afterEach(() => alias.close());

  const options = (urls: string[]) => ({
    quorum: urls,
    restartGuard: 0,
    commandTimeout: 2_000,
    logger: { warn: (line: string) => lines.push(line) },
  });
  const stateOf = (service: LockService, index: number) => service.stats().nodes![index]!;

  it('is rejected at start-up even if it replies more slowly under one of them', async () => {
    alias.delayReplies(30);
    const urls = [...nodes.urls.slice(0, 2), alias.url];
    const error = await connectLockService(options(urls)).then(
      (service) => nodes.keep(service),
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(LockConfigError);
    expect((error as Error).message).toContain('are the same Redis server');
  });

  it("has one vote with startup: 'background', and is reported", async () => {
    const urls = [...nodes.urls.slice(0, 2), alias.url];
    const locks = nodes.keep(createLockService(options(urls)));
    const isDoubled = () =>
      ['ready', 'refused'].every((state) => [0, 2].some((i) => stateOf(locks, i).state === state));
    await waitUntil('both names are compared', isDoubled);
    await locks.withLock(uniqueName('two'), () => undefined);
    // The two votes that are left belong to one server.
    nodes.proxies[1]!.refuse();
    const error = await locks.acquire(uniqueName('one'), { wait: 300 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect((error as Error).message).toMatch(/is the same Redis server as .*, which has its vote/);
    await waitUntil('it is reported', () => lines.some((line) => line.includes('same Redis server')));
  });

  it('has one vote if a second name resolves to it later; two servers have two votes again after that', async () => {
    const locks = nodes.keep(await connectLockService(options(nodes.urls)));
    const [, , last] = nodes.proxies;
    last!.redirect(nodes.servers[0]!.url);
    last!.cut();
    await waitUntil('the name is compared', () => stateOf(locks, 2).state === 'refused');
    expect(stateOf(locks, 2).reason).toContain('is the same Redis server as');
    nodes.proxies[1]!.refuse();
    await expect(locks.acquire(uniqueName('one'), { wait: 300 })).rejects.toBeInstanceOf(LockUnavailableError);
    last!.redirect(nodes.servers[2]!.url);
    last!.cut();
    await locks.withLock(uniqueName('two'), () => undefined);
    expect(stateOf(locks, 2)).toEqual({ name: expect.any(String), state: 'ready' });
  });

  it('has a vote under its second name once the first one resolves to another server', async () => {
    const locks = nodes.keep(await connectLockService(options(nodes.urls)));
    const [first, second] = nodes.proxies;
    // The two names are exchanged, one after the other.
    second!.redirect(nodes.servers[0]!.url);
    second!.cut();
    await waitUntil('the second name is compared', () => stateOf(locks, 1).state === 'refused');
    first!.redirect(nodes.servers[1]!.url);
    first!.cut();
    await waitUntil('all have a vote', () => [0, 1, 2].every((index) => stateOf(locks, index).state === 'ready'));
  });
});
