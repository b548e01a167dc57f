import { Redis } from 'ioredis';
import { ControlError } from './control-error.js';

const reconnectMs = 100;
const answerMs = 1_000;

/** The launcher's own connection to the shop's Redis. It never waits long: a Redis may be paused or gone by a control. */
export function openControlRedis(url: string, keyPrefix: string): Redis {
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

/** Says for people that Redis did not answer. */
export async function orNoRedis<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new ControlError(409, `Redis does not answer now (${error instanceof Error ? error.message : 'no reason'}).`);
  }
}
