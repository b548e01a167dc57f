import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { connectLockService, type LockService, type LockServiceOptions, type LockSettings } from 'nestjs-redis-lock';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { untilSubscribed } from '../support/subscribers.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

const USER = 'app';
const LONG_MS = 600_000;

/** Far more sockets than a test needs would stay open if it failed. */
describe('when the password of a caller’s client is changed at run time', () => {
  describeWithRedisServer('on one server', () => {
    let set: ReplicatedRedis;
    let admin: Redis;
    let name: string;
    let client: Redis;
    let warnings: string[];
    beforeAll(async () => {
      set = await ReplicatedRedis.start(1);
      admin = set.master.client();
      await admin.set('first', 1);
      expect(await admin.wait(1, 20_000)).toBe(1);
    }, 60_000);
    beforeEach(async () => {
      name = uniqueName('rotated');
      warnings = [];
      await admin.call('acl', 'setuser', USER, 'reset', 'on', '>old', '~*', '&*', '+@all');
      client = set.master.client({ username: USER, password: 'old' });
    });
    afterAll(() => set.stop());

    const open = (settings: LockSettings = {}): Promise<LockService> =>
      connectLockService({
        client,
        lease: LONG_MS,
        logger: { warn: (message: string) => warnings.push(message) },
        ...settings,
      });
    const rotate = async (): Promise<void> => {
      await admin.call('acl', 'setuser', USER, 'resetpass', '>new');
      await client.call('auth', USER, 'new');
    };
    const untilListening = (): Promise<void> => untilSubscribed(admin, name);

    it('the connection for notifications uses the new password when it reconnects', async () => {
      await using locks = await open();
      await using holder = await connectLockService({ url: set.url, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await untilListening();
      await rotate();
      client.options.password = 'new';
      await admin.call('client', 'kill', 'type', 'pubsub');
      await untilListening();
      await lease.release();
      await (await waiting).release();
      expect(warnings.filter((warning) => warning.includes('authenticate'))).toEqual([]);
    });

    it('the connection for acknowledged writes uses the new password, too', async () => {
      await using locks = await open({ minReplicas: 1 });
      await locks.withLock(name, () => undefined);
      await rotate();
      client.options.password = 'new';
      const list = (await admin.client('LIST')) as string;
      const id = /^id=(\d+).*name=nestjs-redis-lock:writes/m.exec(list)?.[1];
      await admin.call('client', 'kill', 'id', id!);
      await locks.withLock(name, () => undefined, { wait: 20_000 });
    });

    it('a warning gives advice if the password was changed only with AUTH', async () => {
      await using locks = await open();
      await using holder = await connectLockService({ url: set.url, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await untilListening();
      await rotate();
      await admin.call('client', 'kill', 'type', 'pubsub');
      await waitUntil('there is a warning', () =>
        warnings.some((warning) => warning.includes('client.options.password')),
      );
      expect(warnings.join()).not.toMatch(/\bold\b|\bnew\b/);
      // As soon as the client has it, the connection has it as well.
      client.options.password = 'new';
      await untilListening();
      await lease.release();
      await (await waiting).release();
    });

    it('start-up warns of a client without socketTimeout', async () => {
      await using locks = await open();
      expect(warnings.filter((warning) => warning.includes('socketTimeout'))).toHaveLength(1);
      const careful = set.master.client({ username: USER, password: 'old', socketTimeout: 5_000 });
      warnings = [];
      await using others = await connectLockService({
        client: careful,
        logger: { warn: (message: string) => warnings.push(message) },
      });
      await Promise.all([locks, others].map((each) => each.withLock(uniqueName(), () => undefined)));
      expect(warnings).toEqual([]);
    });
  });

  /** Rotates the password while a caller waits; the connection for notifications has to use the new one. */
  async function rotateWhileWaiting({ client, options, others, servers }: Rotation): Promise<void> {
    const name = uniqueName('rotated');
    const all = async (...args: string[]): Promise<void> => {
      for (const admin of servers) await admin.call('acl', 'setuser', USER, ...args);
    };
    await all('reset', 'on', '>old', '~*', '&*', '+@all');
    try {
      await using locks = await connectLockService({ client, lease: LONG_MS, logger: false });
      await using holder = await connectLockService({ ...others, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await untilSubscribed(servers, name);
      await all('resetpass', '>new');
      options.password = 'new';
      for (const admin of servers) await admin.call('client', 'kill', 'type', 'pubsub');
      await untilSubscribed(servers, name);
      await lease.release();
      await (await waiting).release();
    } finally {
      client.disconnect();
    }
  }

  describeWithRedisServer('on a cluster', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await RedisCluster.start({ masters: 3, replicas: 0 });
    }, 60_000);
    afterAll(() => cluster.stop());

    it('a new connection for notifications uses the new password', async () => {
      const client = new Cluster(cluster.nodes, { redisOptions: { username: USER, password: 'old' } });
      await rotateWhileWaiting({
        client,
        options: client.options.redisOptions!,
        others: { cluster: { nodes: cluster.nodes } },
        servers: cluster.members.map(({ admin }) => admin),
      });
    });

    it('start-up warns of a client without socketTimeout', async () => {
      const warnings: string[] = [];
      const client = new Cluster(cluster.nodes);
      const logger = { warn: (message: string) => warnings.push(message) };
      await using locks = await connectLockService({ client, logger });
      await locks.withLock(uniqueName(), () => undefined);
      expect(warnings).toEqual([expect.stringContaining('"redisOptions.socketTimeout"')]);
      client.disconnect();
    });
  });

  describeWithRedisServer('behind Sentinel', () => {
    it('the connection for notifications uses the new password when it reconnects', async () => {
      await using set = await SentinelSet.start({ replicas: 1 });
      const target = { sentinels: set.sentinels, name: set.name };
      const client = new Redis({ ...target, username: USER, password: 'old' });
      await rotateWhileWaiting({
        client,
        options: client.options,
        others: { redis: target },
        servers: [(await set.master()).client()],
      });
    });
  });
});

interface Rotation {
  readonly client: Redis | Cluster;
  /** Where the client keeps its password. */
  readonly options: { password?: string | null | undefined };
  /** How the holder of the lock connects. */
  readonly others: LockServiceOptions;
  readonly servers: readonly Redis[];
}
