import { describeUnless } from './describe-unless.js';
import { RedisServer } from './redis-node.js';

export { RedisServer, type RedisServerOptions } from './redis-node.js';

/** Why tests cannot start a Redis of their own here; `undefined` if they can. */
export const noRedisServer = RedisServer.available
  ? undefined
  : 'there is no redis-server or valkey-server on the PATH to kill and restart';

/** `describe` for tests that need a Redis process of their own. */
export function describeWithRedisServer(name: string, tests: () => void): void {
  describeUnless(noRedisServer, name, tests);
}

/** `describeWithRedisServer` for each subject, whose label takes the place of "$label". */
export function describeEachWithRedisServer<T extends { readonly label: string }>(
  subjects: readonly T[],
  name: string,
  tests: (subject: T) => void,
): void {
  for (const subject of subjects) {
    describeWithRedisServer(name.replace('$label', subject.label), () => {
      tests(subject);
    });
  }
}
