import type { EventEmitter } from 'node:events';
import { expect, it } from '@jest/globals';
import { ConnectionWatch } from '../../lib/stores/redis/connection/connection-watch.js';
import { openClient } from '../../lib/stores/redis/connection/open-client.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { waitUntil } from '../support/wait-until.js';

const FAILURES = 12;

describeWithRedisServer('while no Sentinel can be reached', () => {
  it('failed connection attempts add no listeners to the last socket', async () => {
    await using set = await SentinelSet.start({ replicas: 0 });
    const proxies = await Promise.all(set.sentinels.map(({ port }) => TcpProxy.start(`redis://127.0.0.1:${port}`)));
    const sentinels = proxies.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = openClient({ sentinels, name: set.name, updateSentinels: false });
    const watch = new ConnectionWatch(client, true, 1_000);
    try {
      await watch.whenReady(10_000);
      const socket = (): EventEmitter => Reflect.get(client, 'stream') as EventEmitter;
      // How often an attempt failed that made no new socket.
      const failures = new Map<EventEmitter, number>();
      client.on('error', () => failures.set(socket(), (failures.get(socket()) ?? 0) + 1));
      for (const proxy of proxies) proxy.refuse();
      await (await set.master()).kill();
      await waitUntil('it has tried again and again', () => (failures.get(socket()) ?? 0) >= FAILURES);
      expect(socket().listenerCount('error')).toBeLessThan(FAILURES / 2);
    } finally {
      watch.dispose();
      client.disconnect();
      for (const proxy of proxies) await proxy.close();
    }
  }, 60_000);
});
