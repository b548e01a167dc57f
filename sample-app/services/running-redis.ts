/** Which way the Redis was found. */
export type RedisSource = 'REDIS_URL' | 'program' | 'docker' | 'apt-get';

/** What can be done to a Redis that runs as a process of ours. */
export interface RedisServer {
  /** Ends it at once, waits, and starts it again on the same port, with nothing in it. */
  restart(gapMs: number): Promise<void>;
  /** Stops it where it is: it takes connections and does not answer. */
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
