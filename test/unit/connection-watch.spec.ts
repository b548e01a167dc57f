import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { ConnectionWatch } from '../../lib/stores/redis/connection/connection-watch.js';
import { LockUnavailableError } from '../../lib/errors/index.js';
import { openClient } from '../../lib/stores/redis/connection/open-client.js';
import { testRedisUrl } from '../support/test-redis.js';

describe('a connection of the service', () => {
  let client: Redis;
  let watch: ConnectionWatch;

  beforeEach(async () => {
    client = openClient(testRedisUrl()) as unknown as Redis;
    watch = new ConnectionWatch(client, true, 1_000);
    await watch.whenReady(5_000);
  });
  afterEach(() => {
    watch.dispose();
    client.disconnect();
  });

  it('is opened again after the client stopped reconnecting for good', async () => {
    const ended = new Promise((resolve) => client.once('end', resolve));
    // What ioredis does by itself when its connector fails.
    client.disconnect();
    await ended;
    expect(client.status).toBe('end');
    await watch.whenReady(5_000);
    expect(await client.ping()).toBe('PONG');
  });

  it('stays closed after the service is closed', async () => {
    const ended = new Promise((resolve) => client.once('end', resolve));
    watch.dispose();
    client.disconnect();
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.status).toBe('end');
  });

  it('rejects a wait at once if the service is closed', async () => {
    client.disconnect();
    watch.dispose();
    // Where it waited, it would keep the process alive for that time.
    await expect(watch.whenReady(300_000)).rejects.toBeInstanceOf(LockUnavailableError);
  });
});
