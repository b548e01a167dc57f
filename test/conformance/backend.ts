import type { LockService, LockSettings } from 'nestjs-redis-lock';

/** One place where lock state lives, as the conformance suite sees it. */
export interface Backend {
  /** Opens another lock service on the same state, as another replica would. */
  open(settings?: LockSettings): Promise<LockService>;
  /** Loses all locks and tokens at once. */
  flush(): Promise<void>;
  /** Closes all services that were opened. */
  close(): Promise<void>;
}
