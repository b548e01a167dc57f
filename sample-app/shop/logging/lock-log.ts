import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { lockChannels } from 'nestjs-redis-lock';
import type { LostMessage, RefusedMessage, ReleasedMessage, SkippedMessage } from 'nestjs-redis-lock';
import { PinoLogger } from 'nestjs-pino';

/** Logs what the locks report on `node:diagnostics_channel`; failures are warnings. */
@Injectable()
export class LockLog implements OnModuleInit, OnApplicationShutdown {
  private readonly listeners: Record<string, (message: unknown) => void> = {
    [lockChannels.lost]: (message) => {
      const { name, token, reason } = message as LostMessage;
      this.logger.warn({ lock: name, token, reason }, 'lock lost');
    },
    [lockChannels.refused]: (message) => {
      const { name, waitedMs, error } = message as RefusedMessage;
      const busy = error.code === 'LOCK_BUSY';
      this.logger[busy ? 'debug' : 'warn']({ lock: name, waitedMs: Math.round(waitedMs), code: error.code }, 'no lock');
    },
    [lockChannels.released]: (message) => {
      const { name, token, outcome, heldMs } = message as ReleasedMessage;
      if (outcome === 'released') return;
      this.logger.warn({ lock: name, token, outcome, heldMs: Math.round(heldMs) }, 'lock was not released');
    },
    [lockChannels.skipped]: (message) => {
      const { name, reason } = message as SkippedMessage;
      this.logger.debug({ lock: name, reason }, 'skipped: another replica runs it, or has run it');
    },
  };

  constructor(private readonly logger: PinoLogger) {
    logger.setContext(LockLog.name);
  }

  onModuleInit(): void {
    for (const [channel, listener] of Object.entries(this.listeners)) subscribe(channel, listener);
  }

  onApplicationShutdown(): void {
    for (const [channel, listener] of Object.entries(this.listeners)) unsubscribe(channel, listener);
  }
}
