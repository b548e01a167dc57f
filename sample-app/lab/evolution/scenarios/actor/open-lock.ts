import { Redis } from 'ioredis';
import type { EvolutionLock } from '../../systems/evolution-lock.js';
import { openSystem } from '../../systems/open-system.js';
import type { ActorPart } from './actor-messages.js';

export interface OpenedLock {
  readonly lock: EvolutionLock;
  close(): Promise<void>;
}

/** Opens the system that an actor plays with, on connections of its own. */
export async function openLock(part: ActorPart): Promise<OpenedLock> {
  const { system, leaseMs, pauseMs, patienceMs, replicas } = part;
  if (system === 'with-lock') return openOurs(part);
  const clients = part.nodes.map((url) => connect(url, part));
  const [first, ...others] = clients;
  if (first === undefined) throw new Error('There is no Redis to lock on.');
  await Promise.all(clients.map((client) => client.ping()));
  const lock = openSystem(system, [first, ...others], { leaseMs, pauseMs, patienceMs, syncReplicas: replicas > 0 });
  return {
    lock,
    close: async () => {
      await lock.close?.();
      for (const client of clients) client.disconnect();
    },
  };
}

function connect(url: string, { nodes, prefix }: ActorPart): Redis {
  const several = nodes.length > 1;
  const redis = new Redis(url, {
    keyPrefix: prefix,
    // With several nodes, a request to an unreachable one must fail; a single node is waited for.
    maxRetriesPerRequest: several ? 0 : null,
    retryStrategy: () => 50,
  });
  redis.on('error', () => undefined);
  return redis;
}

async function openOurs({ nodes, prefix, leaseMs, patienceMs, replicas }: ActorPart): Promise<OpenedLock> {
  // Loaded only where it is used, since it loads Nest.
  const { DecoratedLock } = await import('../../systems/with-lock.lock.js');
  const connection = nodes.length > 1 ? { quorum: nodes } : { url: nodes[0] ?? '' };
  const lock = await DecoratedLock.open({
    ...connection,
    keyPrefix: `${prefix}with-lock:`,
    lease: leaseMs,
    wait: patienceMs,
    minReplicas: replicas,
    shutdownTimeout: 0,
  });
  return { lock, close: () => lock.close() };
}
