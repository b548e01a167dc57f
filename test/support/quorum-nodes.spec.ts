import { expect, it } from '@jest/globals';
import { QuorumNodes } from './quorum-nodes.js';
import { describeWithRedisServer } from './redis-server.js';
import { redisClient } from './test-redis.js';

describeWithRedisServer('QuorumNodes', () => {
  it('are independent servers, each behind its own proxy', async () => {
    await using nodes = await QuorumNodes.start(3, { proxies: true });
    const clients = nodes.urls.map((url) => redisClient(url));
    try {
      await clients[0]!.set('key', 'value');
      expect(await Promise.all(clients.map((client) => client.get('key')))).toEqual(['value', null, null]);
      expect(nodes.proxies.map(({ connections }) => connections)).toEqual([1, 1, 1]);
    } finally {
      for (const client of clients) client.disconnect();
    }
  });
});
