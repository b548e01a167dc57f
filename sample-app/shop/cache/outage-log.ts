import type { LoggerService } from '@nestjs/common';
import type { Redis } from 'ioredis';

/**
 * Writes a line to the log when the connection to Redis is lost, and when it is back. Without a listener for errors
 * ioredis writes each one to the console, several a second, and not as JSON.
 */
export function logOutages(redis: Redis, logger: LoggerService): void {
  let away = false;
  redis.on('error', ({ message }: Error) => {
    if (away) return;
    away = true;
    logger.warn(`no connection to Redis: ${message}`);
  });
  redis.on('ready', () => {
    if (away) logger.log('connected to Redis again');
    away = false;
  });
}
