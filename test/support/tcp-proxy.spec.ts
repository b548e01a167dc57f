import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { TcpProxy } from './tcp-proxy.js';
import { redisClient, testRedisUrl, uniqueName } from './test-redis.js';
import { waitUntil } from './wait-until.js';

describe('TcpProxy', () => {
  let proxy: TcpProxy;
  let direct: Redis;
  let client: Redis;
  let key: string;

  const silence = Symbol('silence');
  /** The reply, or `silence` if none came for a while. */
  const orSilence = (reply: Promise<unknown>): Promise<unknown> =>
    Promise.race([reply, new Promise((resolve) => setTimeout(() => resolve(silence), 300))]);

  beforeEach(async () => {
    proxy = await TcpProxy.start(testRedisUrl());
    direct = redisClient();
    client = redisClient(proxy.url, { maxRetriesPerRequest: null });
    key = uniqueName('proxy');
    await client.set(key, '0', 'EX', 60);
  });

  afterEach(async () => {
    client.disconnect();
    direct.disconnect();
    await proxy.close();
  });

  it('forwards in both directions', async () => {
    expect(await client.incr(key)).toBe(1);
    expect(await direct.get(key)).toBe('1');
    expect(proxy.connections).toBe(1);
  });

  it('loses the reply of a command that Redis has executed', async () => {
    proxy.replies = 'drop';
    const passed = proxy.untilRequest(key);
    const reply = client.incr(key);
    reply.catch(() => undefined);
    await passed;
    await waitUntil('the command was executed', async () => (await direct.get(key)) === '1');
    expect(await orSilence(reply)).toBe(silence);
  });

  it('loses a request, so that Redis never executes it', async () => {
    proxy.requests = 'drop';
    const reply = client.incr(key);
    reply.catch(() => undefined);
    expect(await orSilence(reply)).toBe(silence);
    expect(await direct.get(key)).toBe('0');
  });

  it('is silent while paused and delivers everything in order afterwards', async () => {
    proxy.pause();
    const replies = [client.incr(key), client.incr(key), client.incr(key)];
    expect(await orSilence(replies[0]!)).toBe(silence);
    proxy.resume();
    expect(await Promise.all(replies)).toEqual([1, 2, 3]);
  });

  it('delays replies and keeps their order', async () => {
    proxy.delayReplies(1_000);
    const delayed = client.incr(key);
    expect(await orSilence(delayed)).toBe(silence);
    proxy.delayReplies(0);
    const answered: string[] = [];
    const first = delayed.then(() => answered.push('delayed'));
    const second = client.incr(key).then(() => answered.push('prompt'));
    await Promise.all([first, second]);
    expect(answered).toEqual(['delayed', 'prompt']);
  });

  it('closes open connections, and the client reconnects by itself', async () => {
    const closed = new Promise((resolve) => client.once('close', resolve));
    proxy.cut();
    await closed;
    expect(await client.incr(key)).toBe(1);
  });

  it('accepts no connection while it refuses', async () => {
    const closed = new Promise((resolve) => client.once('close', resolve));
    proxy.refuse();
    await closed;
    const reply = client.incr(key);
    expect(await orSilence(reply)).toBe(silence);
    proxy.accept();
    expect(await reply).toBe(1);
  });
});
