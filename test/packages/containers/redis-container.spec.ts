import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLockService, LockBusyError, LockLostError, type Lease, type LockService } from 'nestjs-redis-lock';
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';

const image = process.env.REDIS_IMAGE ?? 'redis:7.4-alpine';

async function startRedis(): Promise<StartedTestContainer> {
  // Waits for the log line and not for the port: that check needs a shell in the container.
  return new GenericContainer(image)
    .withCommand(['redis-server', '--protected-mode', 'no', '--save', ''])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage('Ready to accept connections'))
    .start();
}

function urlOf(container: StartedTestContainer): string {
  return `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
}

describe(`locks on ${image} in Docker`, () => {
  let container: StartedTestContainer;
  let here: LockService;
  let there: LockService;

  beforeAll(async () => {
    container = await startRedis();
    here = createLockService({ url: urlOf(container) });
    there = createLockService({ url: urlOf(container) });
  });

  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await container.stop();
  });

  it('grants a lock to one client at a time, with a growing token', async () => {
    const first = await here.tryAcquire('one-at-a-time');
    expect(first).not.toBeNull();
    expect(await there.tryAcquire('one-at-a-time')).toBeNull();

    await first!.release();
    const second = await there.tryAcquire('one-at-a-time');
    expect(second).not.toBeNull();
    expect(second!.token > first!.token).toBe(true);
    await second!.release();
  });

  it('notifies a waiting client when another releases', async () => {
    const order: string[] = [];
    let waiting: Promise<void> | undefined;
    await here.withLock('hand-over', async () => {
      waiting = there.withLock('hand-over', async () => {
        order.push('there');
      });
      await expect(there.tryAcquire('hand-over')).resolves.toBeNull();
      order.push('here');
    });
    await waiting;
    expect(order).toEqual(['here', 'there']);
  });

  it('reports a lock as busy once the wait is over', async () => {
    await using _held = await here.acquire('busy');
    await expect(there.withLock('busy', async () => 'never', { wait: 100 })).rejects.toBeInstanceOf(LockBusyError);
  });

  it('never runs two sections of one name at once', async () => {
    let inside = 0;
    let most = 0;
    const tokens: Lease['token'][] = [];
    const section = async (locks: LockService): Promise<void> => {
      await locks.withLock('crowded', async (lease) => {
        most = Math.max(most, ++inside);
        tokens.push(lease.token);
        await new Promise((resolve) => setTimeout(resolve, 2));
        inside--;
      });
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => section(index % 2 === 0 ? here : there)));

    expect(most).toBe(1);
    expect(tokens).toHaveLength(40);
    expect(tokens.every((token, index) => index === 0 || token > tokens[index - 1]!)).toBe(true);
  });
});

describe(`a Redis on ${image} that goes away`, () => {
  it('is detected by the holder of a lock before the lease ends', async () => {
    const container = await startRedis();
    const locks = createLockService({ url: urlOf(container), lease: 2_000 });
    try {
      await using lease = await locks.acquire('gone');
      expect(lease.signal.aborted).toBe(false);
      const lost = once(lease.signal, 'abort');
      await container.stop();
      await lost;
      expect(lease.signal.reason).toBeInstanceOf(LockLostError);
      expect(() => lease.assertHeld()).toThrow(LockLostError);
    } finally {
      await locks.close();
    }
  });
});
