import { startInBackground } from './background-start.js';
import { HolderRegistry } from './holders/holder-registry.js';
import { LockService } from './lock.service.js';
import { resolveSettings, type LockServiceOptions, type ResolvedSettings } from './options/service-options.js';
import type { LockStore } from './stores/lock-store.js';
import { MemoryState } from './stores/memory/memory-state.js';
import { MemoryStore } from './stores/memory/memory-store.js';
import { clientWarnings } from './stores/redis/connection/client-warnings.js';
import {
  checkClient,
  openClient,
  openCluster,
  openNodes,
  openSubscriberFor,
} from './stores/redis/connection/open-client.js';
import { QuorumStore } from './stores/quorum/quorum-store.js';
import type { RedisClient } from './stores/redis/connection/redis-client.js';
import { RedisStore } from './stores/redis/redis-store.js';
import { Reporter } from './telemetry/reporter.js';

/**
 * Creates a lock service without Nest. It connects in the background; use `connectLockService` to find out at once
 * whether Redis can be reached.
 *
 * @throws LockConfigError if an option cannot be used
 * @publicApi
 */
export function createLockService(options: LockServiceOptions): LockService {
  const { settings, store, service, reporter, holders } = create(options);
  startInBackground(store, settings.startupTimeout, reporter, service.closing);
  void holders?.register();
  return service;
}

/**
 * Creates a lock service without Nest. Unless `startup` is `background`, it resolves once Redis is connected and every
 * permission that locks need has been tested.
 *
 * @throws LockConfigError if an option cannot be used
 * @throws LockUnavailableError if Redis cannot be reached within `startupTimeout`, or denies a permission
 * @publicApi
 */
export async function connectLockService(options: LockServiceOptions): Promise<LockService> {
  const { settings, store, service, reporter, holders } = create(options);
  if (settings.startup === 'background') {
    startInBackground(store, settings.startupTimeout, reporter, service.closing);
    void holders?.register();
    return service;
  }
  try {
    await store.connect(settings.startupTimeout);
    await holders?.register();
    return service;
  } catch (error) {
    await service.close();
    throw error;
  }
}

interface Created {
  readonly settings: ResolvedSettings;
  readonly store: LockStore;
  readonly service: LockService;
  readonly reporter: Reporter;
  readonly holders: HolderRegistry | undefined;
}

function create(options: LockServiceOptions): Created {
  const settings = resolveSettings(options);
  const reporter = new Reporter(settings.logger);
  const store = createStore(options, settings, reporter);
  const holders =
    settings.service === false || store.holders === undefined
      ? undefined
      : new HolderRegistry(store.holders, store, settings.service, reporter);
  return { settings, store, service: new LockService(store, settings, reporter, holders), reporter, holders };
}

function createStore(options: LockServiceOptions, settings: ResolvedSettings, reporter: Reporter): LockStore {
  const { keyPrefix, commandTimeout, tokenTtl, minReplicas } = settings;
  if ('memory' in options) {
    const state = options.memory === true ? new MemoryState() : options.memory;
    return new MemoryStore(state, keyPrefix);
  }
  if ('quorum' in options) {
    const { restartGuard } = settings;
    return new QuorumStore(openNodes(options.quorum), { keyPrefix, commandTimeout, tokenTtl, restartGuard, reporter });
  }
  const ownsClient = !('client' in options);
  const client = clientFor(options);
  if (!ownsClient) for (const warning of clientWarnings(client, commandTimeout)) reporter.warn('client', warning);
  const openSubscriber = () => openSubscriberFor(client, reporter);
  return new RedisStore({
    client,
    ownsClient,
    openSubscriber,
    keyPrefix,
    commandTimeout,
    tokenTtl,
    minReplicas,
    reporter,
  });
}

type OneClient = Exclude<LockServiceOptions, { memory: unknown } | { quorum: unknown }>;

function clientFor(options: OneClient): RedisClient {
  if ('client' in options) return checkClient(options.client);
  if ('cluster' in options) return openCluster(options.cluster.nodes, options.cluster.options);
  return openClient('url' in options ? options.url : options.redis);
}
