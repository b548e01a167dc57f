import { RunningTimer } from '../../../time/running-timer.js';
import type { RedisClient } from './redis-client.js';
import { expectErrors } from './socket.js';

const PROBE: Readonly<Record<string, unknown>> = {
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  // The client is ready once the server has answered INFO.
  enableReadyCheck: true,
  failoverDetector: false,
  lazyConnect: false,
  maxRetriesPerRequest: null,
  retryStrategy: null,
  disconnectTimeout: 100,
  connectionName: 'nestjs-redis-lock:probe',
};

/** A new connection to the server of `client`. */
export function openBeside(client: RedisClient): RedisClient {
  return client.duplicate(PROBE);
}

/** Tests whether the server answers on a new connection. */
export class ConnectionProbe {
  private readonly client: RedisClient | null;
  private readonly timer: RunningTimer;
  private over = false;

  /** @param onEnd runs once with the result, unless the probe is stopped before */
  constructor(
    connect: () => RedisClient,
    timeoutMs: number,
    private readonly onEnd: (answered: boolean) => void,
  ) {
    this.timer = new RunningTimer(timeoutMs, () => {
      this.end(false);
    });
    this.client = open(connect);
    this.client?.on('error', () => undefined);
    this.client?.on('ready', () => {
      this.end(true);
    });
    this.client?.on('end', () => {
      this.end(false);
    });
  }

  stop(): void {
    this.over = true;
    this.timer.stop();
    if (this.client === null) return;
    expectErrors(this.client);
    this.client.disconnect();
  }

  private end(answered: boolean): void {
    if (this.over) return;
    this.stop();
    this.onEnd(answered);
  }
}

function open(connect: () => RedisClient): RedisClient | null {
  try {
    return connect();
  } catch {
    return null;
  }
}
