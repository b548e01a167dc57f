import { channel } from 'node:diagnostics_channel';

/** A lock was granted. */
export interface AcquiredMessage {
  readonly name: string;
  readonly token: number;
}

/** A lock was given up; `outcome` says whether it was still ours. */
export interface ReleasedMessage {
  readonly name: string;
  readonly token: number;
  readonly outcome: 'released' | 'lost' | 'unconfirmed';
}

/** A decorated method with `onBusy: 'skip'` did not run, since its lock was taken. */
export interface SkippedMessage {
  readonly name: string;
}

/** What the library reports on `node:diagnostics_channel`. Nothing is done for a channel nobody listens to. */
export const channels = {
  acquired: channel('nestjs-redis-lock:acquired'),
  released: channel('nestjs-redis-lock:released'),
  skipped: channel('nestjs-redis-lock:skipped'),
};
