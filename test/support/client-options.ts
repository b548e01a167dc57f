/** Options of ioredis that a client for locks may have. Some of them exist in newer versions of ioredis only. */
export type Options = Record<string, unknown>;

/** Options of a connection to one server, also of the connections of a Cluster. */
const connectionOptions: Options[] = [
  {},
  { enableAutoPipelining: true },
  { enableAutoPipelining: true, autoPipeliningIgnoredCommands: ['evalsha'] },
  { scripts: { eval: { lua: 'return 1', numberOfKeys: 0 }, evalsha: { lua: 'return 1', numberOfKeys: 0 } } },
  { readOnly: true },
  { commandTimeout: 5_000 },
  { blockingTimeout: 1 },
  { socketTimeout: 2_000 },
  { lazyConnect: true },
  { lazyConnect: true, enableOfflineQueue: false },
  { enableOfflineQueue: false, enableReadyCheck: false },
  { autoResubscribe: false },
  { autoResendUnfulfilledCommands: false },
  { maxRetriesPerRequest: 0 },
  { maxRetriesPerRequest: null },
  { keepAlive: 0, noDelay: false },
  { connectionName: 'mine' },
  { retryStrategy: null },
  { reconnectOnError: () => false },
  { reconnectOnError: () => true },
  { reconnectOnError: () => 2 },
  { showFriendlyErrorStack: true },
  { protocol: 2 },
  { protocol: 3, replyMapping: 'resp3' },
  { disableClientInfo: true },
  { himportFieldsets: [{ name: 'mine', fields: ['a', 'b'] }] },
  { family: 4 },
];

export const serverOptions: Options[] = [
  ...connectionOptions,
  { stringNumbers: true },
  { db: 3 },
  { db: 3, enableReadyCheck: false },
  // Without Sentinels it means nothing.
  { role: 'slave' },
];

export const clusterOptions: Options[] = [
  ...connectionOptions.map((redisOptions) => ({ redisOptions })),
  { enableAutoPipelining: true },
  { enableAutoPipelining: true, scaleReads: 'slave' },
  { enableAutoPipelining: true, autoPipeliningIgnoredCommands: ['eval', 'evalsha'] },
  { scaleReads: 'all' },
  { scaleReads: (nodes: unknown[]) => nodes.at(-1) },
  { maxRedirections: 1 },
  { shardedSubscribers: true },
  { natMap: (address: string) => ({ host: 'localhost', port: Number(address.split(':').at(-1)) }) },
  { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) },
  { slotsRefreshInterval: 0, slotsRefreshTimeout: 5_000 },
  { retryDelayOnMoved: 50, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0, retryDelayOnTryAgain: 0 },
  { clusterRetryStrategy: null },
  { clusterNodeRetryStrategy: () => 100 },
  { lazyConnect: true },
  { lazyConnect: true, enableOfflineQueue: false },
  { enableReadyCheck: false },
  { scripts: { evalsha: { lua: 'return 1', numberOfKeys: 0 } } },
  { showFriendlyErrorStack: true },
];

/** Options that the library's own clients ignore: they would change what a request does. */
export const ignoredOptions: Options[] = [{ commandTimeout: 0 }, { autoResendUnfulfilledCommands: true }];
export const ignoredClusterOptions: Options[] = [
  { redisOptions: { stringNumbers: true } },
  { redisOptions: { commandTimeout: 0 } },
  { maxRedirections: 0 },
];
