import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { CommandGate } from '../../../sample-app/lab/evolution/scenarios/stage/command-gate.js';
import { RequestReader } from '../../../sample-app/lab/evolution/scenarios/stage/request-reader.js';
import { redisClient, testRedisUrl, uniqueName } from '../../support/test-redis.js';
import { waitUntil } from '../../support/wait-until.js';

describe('RequestReader', () => {
  const bytes = Buffer.from(
    '*3\r\n$3\r\nSET\r\n$4\r\nkéy\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n',
  );
  const expected = [['set', 'kéy', 'a\r\nb'], ['ping'], ['get', '']];

  it.each([1, 2, 3, 7, bytes.length])('reads commands that arrive %i bytes at a time', (size) => {
    const reader = new RequestReader();
    const requests = [];
    for (let at = 0; at < bytes.length; at += size) requests.push(...reader.read(bytes.subarray(at, at + size)));
    expect(requests.map(({ name, args }) => [name, ...args])).toEqual(expected);
    expect(Buffer.concat(requests.map((request) => request.bytes))).toEqual(bytes);
  });

  it('forwards the empty lines of a replica that is loading, and does not read them as commands', () => {
    const requests = new RequestReader().read(Buffer.from('\n\n*1\r\n$4\r\nPING\r\n\n'));
    expect(requests.map(({ name, bytes }) => [name, bytes.toString()])).toEqual([['ping', '\n\n*1\r\n$4\r\nPING\r\n']]);
  });

  it('rejects input that is not a command', () => {
    expect(() => new RequestReader().read(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow('Not a command of Redis');
  });
});

describe('CommandGate', () => {
  let gate: CommandGate;
  let direct: Redis;
  let client: Redis;
  let key: string;

  beforeEach(async () => {
    gate = await CommandGate.open(testRedisUrl());
    direct = redisClient();
    client = redisClient(gate.url, { maxRetriesPerRequest: null, retryStrategy: () => 10 });
    key = uniqueName();
    await client.ping();
    gate.forget();
  });
  afterEach(async () => {
    client.disconnect();
    await direct.del(key);
    direct.disconnect();
    await gate.close();
  });

  it('forwards and counts commands', async () => {
    await client.set(key, '1');
    expect(await client.get(key)).toBe('1');
    expect(gate.commands.map(({ name, args }) => [name, args[0]])).toEqual([
      ['set', key],
      ['get', key],
    ]);
  });

  it('holds one command and all later ones back, after earlier ones have passed', async () => {
    const held = gate.hold(({ name }) => name === 'del');
    const replies = [client.set(key, '1'), client.del(key), client.set(key, '2')];
    await held.arrived;
    expect(held.here()).toBe(true);
    await replies[0];
    await waitUntil('all was sent', () => gate.commands.length === 3);
    expect(await direct.get(key)).toBe('1');
    await held.letGo();
    expect(await Promise.all(replies)).toEqual(['OK', 1, 'OK']);
    expect(await direct.get(key)).toBe('2');
  });

  it('resolves after Redis has executed the released command', async () => {
    await direct.set(key, '1');
    const held = gate.hold(({ name }) => name === 'del');
    const reply = client.del(key);
    await held.arrived;
    await held.letGo();
    expect(await direct.exists(key)).toBe(0);
    await reply;
  });

  it('drops replies on request, but no commands', async () => {
    gate.deafen();
    let answered = false;
    client.set(key, '1').then(
      () => (answered = true),
      () => undefined,
    );
    await waitUntil('Redis has executed it', async () => (await direct.get(key)) === '1');
    await direct.ping();
    expect(answered).toBe(false);
  });

  it('closes and refuses connections until it accepts again', async () => {
    gate.refuse();
    const reply = client.set(key, '1');
    await waitUntil('the client has noticed', () => client.status !== 'ready');
    expect(await direct.exists(key)).toBe(0);
    gate.accept();
    expect(await reply).toBe('OK');
  });

  it('closes the connection after input that is not a command', async () => {
    const socket = connect(gate.port, '127.0.0.1');
    const closed = once(socket, 'close');
    socket.write('GET / HTTP/1.1\r\n');
    await closed;
    expect(await client.ping()).toBe('PONG');
  });

  it('redirects the same address to another server', async () => {
    const other = await CommandGate.open(testRedisUrl());
    gate.redirect(other.url);
    await client.set(key, '1');
    expect(other.commands.some(({ name, args }) => name === 'set' && args[0] === key)).toBe(true);
    await other.close();
  });
});
