/** Which way the Redis was found. */
export type RedisSource = 'REDIS_URL' | 'program' | 'docker' | 'apt-get';

/** The operations on a Redis that runs as a child process. */
export interface RedisServer {
  /** Ends it at once, waits, and starts it again on the same port, without data. */
  restart(gapMs: number): Promise<void>;
  /** Suspends it: it accepts connections and does not reply. */
  pause(): void;
  continue(): void;
}

export interface RunningRedis {
  readonly url: string;
  readonly source: RedisSource;
  /** Only of a process that was started here. */
  readonly server?: RedisServer;
  /** Stops what was started here; a Redis behind `REDIS_URL` is left alone. */
  readonly stop: () => Promise<void>;
}
