import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster, Command, Redis } from 'ioredis';
import {
  connectLockService,
  LockConfigError,
  type LockConnection,
  type LockService,
  type LockSettings,
} from 'nestjs-redis-lock';
import {
  clusterOptions,
  ignoredClusterOptions,
  ignoredOptions,
  serverOptions,
  type Options,
} from '../support/client-options.js';
import { QuorumNodes } from '../support/quorum-nodes.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { describeWithRedisServer } from '../support/redis-server.js';
import { ReplicatedRedis } from '../support/replicated-redis.js';
import { untilSubscribed } from '../support/subscribers.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { uniqueName } from '../support/test-redis.js';
import { waitUntil } from '../support/wait-until.js';

/** Less than the time after which a waiter checks the lock without a notification, in ms. */
const NOTIFIED_MS = 2_500;

/** Functions by their source. */
const shown = (options: Options): string =>
  inspect(
    JSON.parse(
      JSON.stringify(options, (_key, value: unknown) => (typeof value === 'function' ? String(value) : value)),
    ),
    {
      depth: 5,
      breakLength: Infinity,
    },
  );

describeWithRedisServer('the options of an ioredis client', () => {
  let set: ReplicatedRedis;
  let cluster: RedisCluster;
  let quorum: QuorumNodes;
  const services: LockService[] = [];
  const clients: { disconnect(): void }[] = [];

  beforeAll(async () => {
    [set, cluster, quorum] = await Promise.all([ReplicatedRedis.start(1), RedisCluster.start(), QuorumNodes.start(3)]);
    const masters = [set.master.client(), ...(await cluster.masters()).map(({ admin }) => admin)];
    for (const master of masters) await waitUntil('the replica acknowledges', () => master.wait(1, 1_000));
  }, 60_000);
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.close()));
    for (const client of clients.splice(0)) client.disconnect();
  });
  afterAll(async () => {
    await Promise.all([set.stop(), cluster.stop(), quorum.stop()]);
  });

  const open = async (connection: LockConnection, settings: LockSettings = {}): Promise<LockService> => {
    const service = await connectLockService({ ...connection, ...settings });
    services.push(service);
    return service;
  };
  const redisClient = (options: Options): Redis => {
    const client = new Redis({ port: set.master.port, disconnectTimeout: 50, ...options });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const clusterClient = (options: Options): Cluster => {
    const redisOptions = { disconnectTimeout: 50, ...(options.redisOptions as Options) };
    const client = new Cluster(cluster.nodes, { ...options, redisOptions });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };
  const urlOf = (url: string, { db = 0 }: { db?: unknown }): string => `${url}/${String(db)}`;

  /** A service with these options, and one without them that contends for the same locks. */
  const kinds: [string, Options[], (options: Options) => [LockConnection, LockConnection]][] = [
    [
      'the client of a caller',
      serverOptions,
      (options) => [{ client: redisClient(options) }, { url: urlOf(set.url, options) }],
    ],
    [
      '{ redis }',
      [...serverOptions, ...ignoredOptions],
      (options) => [{ redis: { port: set.master.port, ...options } }, { url: urlOf(set.url, options) }],
    ],
    [
      'each of { nodes }',
      [...serverOptions, ...ignoredOptions],
      (options) => [
        { quorum: quorum.servers.map(({ port }) => ({ port, ...options })), restartGuard: 0 },
        { quorum: quorum.urls.map((url) => urlOf(url, options)), restartGuard: 0 },
      ],
    ],
    [
      'the Cluster of a caller',
      clusterOptions,
      (options) => [{ client: clusterClient(options) }, { cluster: { nodes: cluster.nodes } }],
    ],
    [
      '{ cluster }',
      [...clusterOptions, ...ignoredClusterOptions],
      (options) => [{ cluster: { nodes: cluster.nodes, options } }, { cluster: { nodes: cluster.nodes } }],
    ],
  ];

  const admins = (): Redis[] => [set.master, ...cluster.servers, ...quorum.servers].map((server) => server.client());

  /** The next holder waits for a notification. */
  const handOver = async (holder: LockService, waiter: LockService, name: string, listeners = 1): Promise<void> => {
    const lease = await holder.acquire(name);
    expect(await waiter.tryAcquire(name)).toBeNull();
    const next = waiter.acquire(name);
    await untilSubscribed(admins(), name, listeners);
    const releasedAt = performance.now();
    expect(await lease.release()).toBe('released');
    await (await next).release();
    expect(performance.now() - releasedAt).toBeLessThan(NOTIFIED_MS);
  };

  describe.each(kinds)('%s with unusual options', (kind, table, connect) => {
    it.each(table.map((options) => [shown(options), options] as const))('with %s', async (_shown, options) => {
      const [connection, other] = connect(options);
      const locks = await open(connection);
      const others = await open(other);
      // No server knows the scripts.
      await Promise.all(admins().map((admin) => admin.script('FLUSH')));
      const name = uniqueName('options');
      const ofQuorum = kind === 'each of { nodes }';
      await Promise.all([
        handOver(locks, others, `${name}:to`, ofQuorum ? 2 : 1),
        handOver(others, locks, `${name}:from`, ofQuorum ? 2 : 1),
      ]);
      const acked = ofQuorum ? {} : { minReplicas: 1 };
      const names = Array.from({ length: 20 }, (_, index) => `${name}:${String(index)}`);
      const leases = await Promise.all(names.map((each, index) => locks.acquire(each, index % 2 === 0 ? {} : acked)));
      await Promise.all(leases.map((lease) => lease.extend(60_000)));
      for (const lease of leases) expect(lease.remaining()).toBeGreaterThan(40_000);
      for (const each of names) expect(await others.tryAcquire(each)).toBeNull();
      const outcomes = await Promise.all(leases.map((lease) => lease.release()));
      expect(new Set(outcomes)).toEqual(new Set(['released']));
    });
  });

  const sentinels = { sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'mymaster', lazyConnect: true };
  /** The option that is rejected, and where the client has it. */
  const rejected: [string, (of: 'caller' | 'own') => LockConnection][] = [
    ...(
      [{ keyPrefix: 'app:' }, { monitor: true }, { commandTimeout: 0 }, { ...sentinels, role: 'slave' }] as Options[]
    ).map((options): (typeof rejected)[number] => [
      Object.keys(options).at(-1)!,
      (of) =>
        of === 'own' ? { redis: { port: set.master.port, ...options } } : { client: redisClient({ ...options }) },
    ]),
    ...(
      [
        { keyPrefix: 'app:' },
        { redisOptions: { keyPrefix: 'app:' } },
        { keyPrefix: 'app:', redisOptions: { keyPrefix: 'other:' } },
        { redisOptions: { monitor: true } },
        { redisOptions: { commandTimeout: 0 } },
        { redisOptions: { stringNumbers: true } },
        { maxRedirections: 0 },
      ] as Options[]
    ).map((options): (typeof rejected)[number] => [
      Object.keys((options.redisOptions as Options | undefined) ?? options).at(-1)!,
      (of) =>
        of === 'own'
          ? { cluster: { nodes: cluster.nodes, options } }
          : { client: clusterClient({ connectionName: 'caller', ...options }) },
    ]),
  ];
  const rejection = async (connection: LockConnection): Promise<string> => {
    const error: unknown = await open(connection).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LockConfigError);
    return (error as Error).message;
  };

  it.each(rejected)("rejects %s of a caller's client, with a correction that works", async (option, connect) => {
    const { client } = connect('caller') as { client: Redis | Cluster };
    const message = await rejection({ client });
    expect(message).toContain(`"${option}"`);
    const [advice] = /client\.duplicate\(.*\)/.exec(message)!;
    const [, keyPrefix] = /module option keyPrefix: '(.*)'/.exec(message) ?? [];
    const copy = runInNewContext(advice, { client }) as Redis | Cluster;
    clients.push(copy);
    copy.on('error', () => undefined);
    if (option === 'role') {
      expect(copy.options).toMatchObject({ role: 'master', name: 'mymaster' });
      return;
    }
    const locks = await open({ client: copy }, keyPrefix === undefined ? {} : { keyPrefix });
    const name = uniqueName('advice');
    await locks.withLock(name, () => undefined, keyPrefix === undefined ? { minReplicas: 1 } : {});
    if (copy instanceof Cluster) expect(copy.options.redisOptions).toMatchObject({ disconnectTimeout: 50 });
  });

  it.each(rejected.filter(([option]) => !['commandTimeout', 'stringNumbers', 'maxRedirections'].includes(option)))(
    "rejects %s of the service's own client, with the advice to leave it out",
    async (option, connect) => {
      expect(await rejection(connect('own'))).toContain(`Leave "${option}" out`);
    },
  );

  it.each(['keyPrefix=app:', 'monitor=true'])('rejects %s in a URL', async (parameter) => {
    const [option] = parameter.split('=') as [string];
    expect(await rejection({ url: `${set.url}?${parameter}` })).toContain(`Leave "${option}" out`);
  });

  it('is rejected at start-up while a reply transformer changes the replies to scripts', async () => {
    Command.setReplyTransformer('evalsha', (reply: unknown) => ({ reply }));
    try {
      for (const connection of [{ url: set.url }, { cluster: { nodes: cluster.nodes } }]) {
        expect(await rejection(connection)).toMatch(/MULTI.*Command\.setReplyTransformer/);
      }
    } finally {
      Command.setReplyTransformer('evalsha', (reply: unknown) => reply);
    }
  });

  it('does not use parameters of a URL that would change what a request does', async () => {
    const url = `${set.url}?enableAutoPipelining=true&autoResendUnfulfilledCommands=true&maxRetriesPerRequest=1`;
    const locks = await open({ url });
    await handOver(locks, await open({ url: set.url }), uniqueName('url'));
  });

  it.each([null, () => undefined])(
    "reconnects the service's own client with the retryStrategy %s",
    async (retryStrategy) => {
      await using proxy = await TcpProxy.start(set.url);
      const locks = await open({ redis: { port: proxy.port, retryStrategy } });
      const others = await open({ url: set.url });
      const name = uniqueName('retries');
      await handOver(others, locks, name);
      proxy.cut();
      await waitUntil('it is connected again', () =>
        locks.tryAcquire(name).then(
          (lease) => lease?.release(),
          () => null,
        ),
      );
      await handOver(others, locks, name);
      await handOver(locks, others, name);
    },
  );

  it("warns of a commandTimeout of a caller's client that is shorter than that of the locks", async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => warnings.push(message) };
    const settings = { logger, startup: 'background' } as const;
    await open({ client: redisClient({ commandTimeout: 500, socketTimeout: 5_000 }) }, settings);
    await open({ client: redisClient({ commandTimeout: 1_000, socketTimeout: 5_000 }) }, settings);
    await open({ client: clusterClient({ redisOptions: { commandTimeout: 500, socketTimeout: 5_000 } }) }, settings);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/"commandTimeout" 500 .*at least 1000/);
    expect(warnings[1]).toMatch(/"redisOptions\.commandTimeout" 500 .*at least 1000/);
  });
});
