/** Stores which process each lock service is in, by the uuid with which the owners of its locks begin. */
export interface HolderStore {
  /** Keeps a record for `ttlMs`. Rejects with `LockUnavailableError`. */
  write(id: string, record: string, ttlMs: number): Promise<void>;
  /** Resolves with `null` if there is none. Rejects with `LockUnavailableError`. */
  read(id: string): Promise<string | null>;
  remove(id: string): Promise<void>;
}
