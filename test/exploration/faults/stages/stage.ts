import type { RedisServer } from '../../../support/redis-node.js';
import type { TcpProxy } from '../../../support/tcp-proxy.js';
import type { Fault } from '../runner/fault.js';
import type { Where } from '../worker/lock-client.js';

/** A topology that plays its part in a run: servers, what may happen to them, and the ways of the workers to them. */
export interface Stage {
  readonly topology: string;
  readonly minReplicas: number;
  /** Whether a failover may lose locks. */
  readonly failoverLoses?: boolean;
  /** What may happen to the servers. */
  readonly faults: readonly Fault[];
  /** A worker's own way to all servers. */
  wire(): Promise<Wiring>;
  /** Waits until all servers are there and in order. */
  untilHealthy(): Promise<void>;
  /** Servers that take writes now. */
  masters(): Promise<readonly RedisServer[]>;
  stop(): Promise<void>;
}

/** One worker's connections, each through a proxy of its own: it can be cut off while others are not. */
export interface Wiring {
  readonly where: Where;
  readonly proxies: readonly TcpProxy[];
}

/** Of all nodes that are started here. */
export interface StageSetup {
  readonly leaseMs: number;
  /** Of the locks. */
  readonly names: readonly string[];
  /** The environment of the server with this name: its clock may be stepped. */
  serverEnv(name: string): NodeJS.ProcessEnv;
  /** Sets a server's clock this far from the machine's; `undefined` where that cannot be done. */
  readonly setServerClock: ((name: string, ms: number) => void) | undefined;
}
