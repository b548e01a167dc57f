import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { connectLockService, createLockService, type LockServiceOptions } from 'nestjs-redis-lock';
import { itSince7 } from '../support/describe-unless.js';
import { RedisCluster, type ClusterNode } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { waitUntil } from '../support/wait-until.js';

/** Names are random, so a start that tests one of them passes by chance. */
const STARTS = 4;

describeWithRedisServer('the start on a cluster', () => {
  let cluster: RedisCluster;
  let odd: ClusterNode;
  let clients: Cluster[];

  beforeEach(async () => {
    cluster = await RedisCluster.start({ replicas: 0, settings: ['--cluster-require-full-coverage', 'no'] });
    odd = cluster.members[1]!;
    clients = [];
    for (const member of cluster.members) await addUser(member);
  }, 60_000);
  afterEach(async () => {
    for (const client of clients) client.disconnect();
    await cluster.stop();
  });

  const addUser = ({ admin }: ClusterNode): Promise<unknown> =>
    admin.acl('SETUSER', 'locks', 'on', '>secret', '~*', '&*', '+@all');
  const label = (node: ClusterNode): string => `127.0.0.1:${String(node.server.port)}`;
  const redisOptions = { username: 'locks', password: 'secret', disconnectTimeout: 50 };
  const own = (): LockServiceOptions => ({ cluster: { nodes: cluster.nodes, options: { redisOptions } } });
  const callers = (): LockServiceOptions => {
    const client = new Cluster(cluster.nodes, { redisOptions });
    client.on('error', () => undefined);
    clients.push(client);
    return { client };
  };

  async function errorsOf(where: () => LockServiceOptions): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (let start = 0; start < STARTS; start += 1) {
      const started = connectLockService({ ...where(), startupTimeout: 5_000 });
      errors.push(await started.then((locks) => locks.close()).catch((error: unknown) => error));
    }
    return errors;
  }

  for (const [whose, where] of [
    ['own', own],
    ['caller', callers],
  ] as const) {
    for (const command of ['evalsha', 'pexpire', 'spublish', 'ssubscribe']) {
      const test = command.startsWith('s') ? itSince7 : it;
      test(`fails each time when one master denies ${command} (the ${whose} client)`, async () => {
        await odd.admin.acl('SETUSER', 'locks', `-${command}`);
        const errors = await errorsOf(where);
        for (const error of errors) {
          expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', retryable: false });
          expect((error as Error).message).toContain(label(odd));
        }
      }, 60_000);
    }
  }

  it('fails each time when one master has another password', async () => {
    await odd.admin.acl('SETUSER', 'locks', 'resetpass', '>other');
    for (const error of await errorsOf(own)) {
      expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
      expect((error as Error).message).toContain(label(odd));
      expect((error as Error).message).not.toContain('secret');
    }
  }, 60_000);

  it('reports which master is down, succeeds without it, and reports when it is back', async () => {
    await using locks = await connectLockService({ ...own(), startupTimeout: 10_000 });
    expect(locks.stats().nodes?.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready']);
    await odd.server.kill();
    const stateOf = (node: ClusterNode): string | undefined =>
      locks.stats().nodes?.find(({ name }) => name === label(node))?.state;
    await waitUntil('it is seen', () => stateOf(odd) === 'unreachable');
    expect(stateOf(cluster.members[0]!)).toBe('ready');
    await using other = await connectLockService({ ...own(), startupTimeout: 4_000 });
    expect(other.stats().nodes).toContainEqual(expect.objectContaining({ name: label(odd), state: 'unreachable' }));
    await odd.server.restart();
    // It has forgotten its users.
    await waitUntil('its user is back', () => addUser(odd).then(Boolean, () => false));
    await cluster.untilReady();
    await waitUntil('it is ready again', async () => {
      await locks.withLock(`again:${String(Math.random())}`, () => undefined, { wait: 0 }).catch(() => undefined);
      return stateOf(odd) === 'ready';
    });
  }, 60_000);

  it('reports that a master is down, although no request needs it', async () => {
    const client = new Cluster(cluster.nodes, { redisOptions, slotsRefreshInterval: 100 });
    client.on('error', () => undefined);
    clients.push(client);
    await using locks = await connectLockService({ client, startupTimeout: 10_000 });
    // With the next refresh, ioredis replaces the client of a lost node with one that waits for its first request.
    const replaced = once(client, '+node');
    await odd.server.kill();
    await replaced;
    await waitUntil('it is seen', () =>
      locks.stats().nodes?.some(({ name, state }) => name === label(odd) && state === 'unreachable'),
    );
    await odd.server.restart();
    await waitUntil('its user is back', () => addUser(odd).then(Boolean, () => false));
    await waitUntil('it is ready again', () => locks.stats().nodes?.every(({ state }) => state === 'ready'));
  }, 60_000);

  it('reports a master with another password in the states of a service that starts in the background', async () => {
    await odd.admin.acl('SETUSER', 'locks', 'resetpass', '>other');
    await using locks = createLockService({ ...own(), logger: false });
    await waitUntil('it is seen', async () => {
      await locks.withLock(`any:${String(Math.random())}`, () => undefined, { wait: 0 }).catch(() => undefined);
      return locks.stats().nodes?.find(({ name }) => name === label(odd))?.state === 'refused';
    });
  }, 60_000);
});
