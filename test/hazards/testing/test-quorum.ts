import { afterEach, beforeEach } from '@jest/globals';
import { connectLockService, type LockService, type LockSettings } from 'nestjs-redis-lock';
import { QuorumNodes, type QuorumNodesOptions } from '../../support/quorum-nodes.js';
import type { RedisServer } from '../../support/redis-server.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';

type Settings = LockSettings & { readonly restartGuard?: number };

/** Independent Redis nodes, new for each test, and the services that the test opens on them. */
export class TestQuorum {
  private nodes: QuorumNodes | undefined;
  private services: LockService[] = [];

  constructor(private readonly defaults: Settings) {}

  async start(count: number, options: QuorumNodesOptions): Promise<void> {
    this.nodes = await QuorumNodes.start(count, options);
  }

  async stop(): Promise<void> {
    for (const server of this.servers) server.thaw();
    await Promise.all(this.services.splice(0).map((service) => service.close()));
    await this.nodes?.stop();
  }

  get servers(): readonly RedisServer[] {
    return this.nodes?.servers ?? [];
  }

  /** In the order of `servers`; empty without proxies. */
  get proxies(): readonly TcpProxy[] {
    return this.nodes?.proxies ?? [];
  }

  /** Where clients connect: the proxies if there are some. */
  get urls(): string[] {
    return this.nodes?.urls ?? [];
  }

  server(index: number): RedisServer {
    return this.servers[index]!;
  }

  /** A service on all nodes, or those of `urls`. It is closed after the test. */
  async open(settings: Settings = {}, urls: readonly string[] = this.urls): Promise<LockService> {
    return this.keep(await connectLockService({ restartGuard: 0, ...this.defaults, ...settings, quorum: [...urls] }));
  }

  /** Closes the service after the test. */
  keep(service: LockService): LockService {
    this.services.push(service);
    return service;
  }
}

/** Call it in a suite: it starts the nodes before each test and stops them after it. */
export function quorumOf(count: number, options: QuorumNodesOptions = {}, defaults: Settings = {}): TestQuorum {
  const quorum = new TestQuorum(defaults);
  beforeEach(() => quorum.start(count, options));
  afterEach(() => quorum.stop());
  return quorum;
}
