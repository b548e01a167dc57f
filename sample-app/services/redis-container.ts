import { stopOnExit } from './cleanup.js';
import type { RunningRedis } from './running-redis.js';

const defaultImage = 'redis:7.4-alpine';
const redisPort = 6379;

/** Starts Redis in a container. testcontainers sees to it that the container also goes when we are killed. */
export async function startRedisContainer(): Promise<RunningRedis> {
  // Only loaded when it is needed: it is large, and most machines have a Redis by one of the other ways.
  const { GenericContainer } = await import('testcontainers');
  const container = await new GenericContainer(process.env.REDIS_IMAGE ?? defaultImage)
    .withExposedPorts(redisPort)
    .withCommand(['redis-server', '--save', '', '--appendonly', 'no'])
    .start();
  const resource = {
    stop: async () => {
      await container.stop();
    },
    stopNow: () => undefined,
  };
  const forget = stopOnExit(resource);
  return {
    url: `redis://${container.getHost()}:${String(container.getMappedPort(redisPort))}`,
    source: 'docker',
    stop: async () => {
      await resource.stop();
      forget();
    },
  };
}
