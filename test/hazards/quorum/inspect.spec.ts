import { beforeEach, expect, it } from '@jest/globals';
import { LockUnavailableError, type LockService } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';
import { quorumOf } from '../testing/test-quorum.js';

describeWithRedisServer('the state of a lock while one of three nodes is down', () => {
  const nodes = quorumOf(3, { proxies: true });
  let name: string;

  beforeEach(() => {
    name = uniqueName('inspect');
  });

  const open = (urls: readonly string[]): Promise<LockService> => nodes.open({}, urls);

  it('is not "free" if the silent node may complete the majority of its holder', async () => {
    const { servers, proxies } = nodes;
    // The holder cannot reach node 1, and who inspects cannot reach node 2.
    const holder = await open([servers[0]!.url, proxies[1]!.url, servers[2]!.url]);
    const other = await open([servers[0]!.url, servers[1]!.url, proxies[2]!.url]);
    proxies[1]!.refuse();
    const lease = await holder.acquire(name);
    proxies[2]!.refuse();
    await expect(other.inspect(name)).rejects.toBeInstanceOf(LockUnavailableError);
    lease.assertHeld();
    await lease.release();
    expect(await other.inspect(name)).toMatchObject({ held: false });
  });

  it('is known if the other nodes agree', async () => {
    const locks = await open(nodes.urls);
    nodes.proxies[2]!.refuse();
    expect(await locks.inspect(name)).toMatchObject({ held: false });
    await locks.withLock(name, async () => {
      expect(await locks.inspect(name)).toMatchObject({ held: true });
    });
  });
});
