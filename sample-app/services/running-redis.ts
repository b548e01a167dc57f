/** Which way the Redis was found. */
export type RedisSource = 'REDIS_URL' | 'program' | 'docker' | 'apt-get';

export interface RunningRedis {
  readonly url: string;
  readonly source: RedisSource;
  /** Stops what was started here; a Redis behind `REDIS_URL` is left alone. */
  readonly stop: () => Promise<void>;
}
