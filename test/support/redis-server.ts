import { describe } from '@jest/globals';
import { RedisServer } from './redis-node.js';

export { RedisServer, type RedisServerOptions } from './redis-node.js';

/** `describe` for tests that need a Redis process of their own; where there is none they are skipped, and say so. */
export function describeWithRedisServer(name: string, tests: () => void): void {
  if (RedisServer.available) {
    describe(name, tests);
    return;
  }
  console.warn(`Skipped "${name}": it needs redis-server or valkey-server on the PATH to kill and restart.`);
  describe.skip(name, tests);
}
