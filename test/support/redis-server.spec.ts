import { expect, it } from '@jest/globals';
import { commandsBetween, commandStats, totalCommands } from './command-stats.js';
import { describeWithRedisServer, RedisServer } from './redis-server.js';

describeWithRedisServer('RedisServer', () => {
  it('restarts empty on its port after a kill, and clients reconnect', async () => {
    await using server = await RedisServer.start();
    const client = server.client();
    await client.set('key', 'value');
    const { port, pid } = server;
    await server.kill();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await client.get('key')).toBeNull();
  });

  it('sends no replies while suspended, and executes the requests afterwards', async () => {
    await using server = await RedisServer.start();
    const client = server.client();
    await client.set('key', 'value');
    server.freeze();
    const reply = client.get('key');
    const silent = new Promise((resolve) => setTimeout(() => resolve('silent'), 300));
    expect(await Promise.race([reply, silent])).toBe('silent');
    server.thaw();
    expect(await reply).toBe('value');
  });

  it('has ended after stop, suspended or not', async () => {
    const server = await RedisServer.start();
    const { pid } = server;
    server.freeze();
    await server.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('takes settings as on the command line', async () => {
    await using server = await RedisServer.start('--maxclients', '7');
    expect(await server.client().config('GET', 'maxclients')).toEqual(['maxclients', '7']);
  });

  it('rejects a setting that Redis does not have, with the message of Redis', async () => {
    await expect(RedisServer.start('--no-such-setting', 'x')).rejects.toThrow(/no-such-setting/);
  });

  it('counts the calls between two readings, by command', async () => {
    await using server = await RedisServer.start();
    const client = server.client();
    await client.ping();
    const before = await commandStats(client);
    await client.set('a', '1');
    await client.set('b', '2');
    await client.get('a');
    await client.client('SETNAME', 'me');
    const counts = commandsBetween(before, await commandStats(client));
    expect([...counts].sort()).toEqual([
      ['client|setname', 1],
      ['get', 1],
      ['set', 2],
    ]);
    expect(totalCommands(counts)).toBe(4);
  });

  it('keeps two servers apart', async () => {
    await using one = await RedisServer.start();
    await using two = await RedisServer.start();
    await one.client().set('key', 'one');
    expect(await two.client().get('key')).toBeNull();
    await one.kill();
    expect(await two.client().ping()).toBe('PONG');
  });
});
