import { Redis } from 'ioredis';

const reconnectMs = 100;
const answerMs = 1_000;

/** The launcher's own connection to the shop's Redis. It never waits long: a control can pause or stop that Redis. */
export function openLauncherRedis(url: string, keyPrefix: string): Redis {
  const redis = new Redis(url, {
    keyPrefix,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: answerMs,
    retryStrategy: () => reconnectMs,
  });
  redis.on('error', () => undefined);
  return redis;
}
