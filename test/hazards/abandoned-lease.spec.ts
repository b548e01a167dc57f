import { expect, it } from '@jest/globals';
import { connectLockService } from 'nestjs-redis-lock';
import { ChildScript, type ChildMessage } from '../support/child-script.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { uniqueName } from '../support/test-redis.js';

describeWithRedisServer('a lease that its caller has dropped without a release', () => {
  const abandon = async (how: string, name = uniqueName('dropped')): Promise<[ChildMessage, boolean]> => {
    await using server = await RedisServer.start();
    await using child = ChildScript.start('hazards/children/abandons.mjs', [server.url, name, how]);
    const done = await child.next('done');
    await child.exited;
    await using locks = await connectLockService({ url: server.url });
    const held = how === 'permit' ? false : (await locks.inspect(name)).held;
    return [done, held];
  };

  it.each([
    ['acquire', 1],
    ['tryAcquire', 1],
    ['several', 2],
    ['permit', 1],
    ['worker', 1],
  ])('is released and reported with the place that acquired it: %s', async (how, count) => {
    const [{ lines, told, held }, stillHeld] = await abandon(how);
    expect(lines).toHaveLength(count);
    expect((lines as string[])[0]).toMatch(
      /was dropped without a release, so it is released now\. .*abandons\.mjs:\d+:\d+/,
    );
    expect((told as unknown[]).length).toBeGreaterThan(0);
    expect((told as unknown[])[0]).toMatchObject({
      name: expect.stringContaining('dropped'),
      site: expect.stringMatching(/abandons\.mjs:\d+:\d+/),
    });
    expect(held).toBe(0);
    expect(stillHeld).toBe(false);
  });

  it.each(['callSites', 'throwing', 'frozen'])(
    'is released although the application changed Error: %s',
    async (how) => {
      const [{ lines, held }, stillHeld] = await abandon(how);
      expect(lines).toHaveLength(1);
      expect([held, stillHeld]).toEqual([0, false]);
    },
  );

  it('aborts its signal, which other code may still have', async () => {
    const [{ lines, signals }, stillHeld] = await abandon('signal');
    expect(lines).toHaveLength(1);
    expect(signals).toEqual(['released']);
    expect(stillHeld).toBe(false);
  });

  it.each([
    ['is still reachable', 'kept', 1],
    ['was released', 'released', 0],
    ['has a fixed end', 'fixed', 1],
    ['is that of a section', 'section', 1],
  ])('is not meant if it %s', async (_what, how, count) => {
    const [{ lines, told, held }] = await abandon(how);
    expect([lines, told, held]).toEqual([[], [], count]);
  });
});
