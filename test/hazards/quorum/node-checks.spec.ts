import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockConfigError, type LockService } from 'nestjs-redis-lock';
import { RedisCluster } from '../../support/redis-cluster.js';
import { describeWithRedisServer, type RedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';
import { quorumOf } from '../testing/test-quorum.js';

describeWithRedisServer('each of several nodes', () => {
  const nodes = quorumOf(3, { proxies: true });
  const server = (index: number): RedisServer => nodes.server(index);
  let lines: string[];

  beforeEach(() => {
    lines = [];
  });

  const open = (urls = nodes.urls, startupTimeout = 10_000): Promise<LockService> =>
    nodes.open({ startupTimeout, logger: { warn: (line: string) => lines.push(line) } }, urls);
  const stateOf = (locks: LockService, index: number) => locks.stats().nodes![index]!;
  const withLogin = (login: string): string[] =>
    nodes.urls.map((url, i) => (i === 2 ? url.replace('//', `//${login}@`) : url));

  describe('is tested at start-up, which fails', () => {
    /** With the node in each place, since all are asked at once. */
    async function expectRefused(urls: string[], reason: RegExp): Promise<void> {
      for (let round = 0; round < 3; round += 1) {
        const turned = [...urls.slice(round), ...urls.slice(0, round)];
        const error = await open(turned).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(LockConfigError);
        expect((error as Error).message).toMatch(reason);
        expect((error as Error).message).toContain(new URL(urls[2]!).host);
        expect((error as Error).message).not.toContain('secret');
      }
    }

    it('if one of them is a replica', async () => {
      await server(2).client().replicaof('127.0.0.1', server(0).port);
      await expectRefused(nodes.urls, /is a replica/);
    });

    it('if the password for one of them is wrong', async () => {
      await server(2).client().acl('SETUSER', 'locks', 'on', '>right', '~*', '&*', '+@all');
      await expectRefused(withLogin('locks:secret'), /WRONGPASS/);
    });

    it.each(['publish', 'info', 'hdel'])('if one of them denies %s', async (command) => {
      await server(2).client().acl('SETUSER', 'locks', 'on', '>secret', '~*', '&*', '+@all', `-${command}`);
      await expectRefused(withLogin('locks:secret'), new RegExp(command, 'i'));
    });

    it('if one of them is a member of a cluster', async () => {
      await using cluster = await RedisCluster.start({ replicas: 0 });
      await expectRefused([...nodes.urls.slice(0, 2), cluster.servers[1]!.url], /belongs to a Redis Cluster/);
    });
  });

  it.each(['killed', 'stopped'])('does not prevent start-up with the other nodes when it is %s', async (how) => {
    if (how === 'killed') await server(1).kill();
    else server(1).freeze();
    const began = performance.now();
    const locks = await open(nodes.urls, 30_000);
    expect(performance.now() - began).toBeLessThan(15_000);
    await locks.withLock(uniqueName('two of three'), () => undefined);
    expect(stateOf(locks, 1).state).toBe('unreachable');
    if (how === 'killed') await server(1).restart();
    else server(1).thaw();
    await waitUntil('the node is ready', () => stateOf(locks, 1).state === 'ready');
  });

  it('is tested when it comes back, if it was down at start-up', async () => {
    await server(2).client().acl('SETUSER', 'locks', 'on', '>secret', '~*', '&*', '+@all', '-publish');
    nodes.proxies[2]!.refuse();
    const locks = await open(withLogin('locks:secret'));
    nodes.proxies[2]!.accept();
    await waitUntil('it is refused', () => stateOf(locks, 2).state === 'refused');
    expect(stateOf(locks, 2).reason).toMatch(/needs permission for .*PUBLISH/);
    await waitUntil('it is reported', () => lines.some((line) => /cannot vote .*PUBLISH/.test(line)));
    await server(2).client().acl('SETUSER', 'locks', '+publish');
    await waitUntil('it is ready', () => stateOf(locks, 2).state === 'ready');
  });

  it('is identified again after a failed INFO, on the same connection', async () => {
    await server(2).client().acl('SETUSER', 'locks', 'on', '>secret', '~*', '&*', '+@all');
    const locks = await open(withLogin('locks:secret'));
    await server(2).client().acl('SETUSER', 'locks', '-info');
    nodes.proxies[2]!.cut();
    await waitUntil('INFO is denied', () => (stateOf(locks, 2).reason ?? '').includes('INFO'));
    const { opened } = nodes.proxies[2]!;
    await server(2).client().acl('SETUSER', 'locks', '+info');
    await waitUntil('the node has its vote again', () => stateOf(locks, 2).state === 'ready');
    expect(nodes.proxies[2]!.opened).toBe(opened);
    nodes.proxies[1]!.refuse();
    await locks.withLock(uniqueName('two of three'), () => undefined);
  });

  it('is reported once when it stays down, and once when it is back', async () => {
    const locks = await open();
    const about = (): string[] => lines.filter((line) => line.includes(stateOf(locks, 1).name));
    nodes.proxies[1]!.cut();
    await waitUntil('it is connected again', () => stateOf(locks, 1).state === 'ready');
    nodes.proxies[1]!.refuse();
    await waitUntil('it is reported', () => about().length > 0);
    for (let round = 0; round < 20; round += 1) await locks.withLock(uniqueName('without it'), () => undefined);
    nodes.proxies[1]!.accept();
    await waitUntil('it is reported again', () => about().length > 1);
    expect(about()).toEqual([expect.stringContaining('cannot be reached'), expect.stringContaining('is ready')]);
  });
});
