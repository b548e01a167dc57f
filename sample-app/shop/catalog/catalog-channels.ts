import { channel } from 'node:diagnostics_channel';

/** A reader asked the cache. */
export interface CacheMessage {
  readonly section: string;
  readonly hit: boolean;
}

/** A rebuild began, or it is over. */
export interface RebuildMessage {
  readonly section: string;
  /** The fencing token of the lock it runs under, if it runs under one. */
  readonly token: number | null;
  /** How long it took; `null` when it begins. */
  readonly ms: number | null;
  /** Whether it failed. */
  readonly failed: boolean;
}

/** What the catalog reports on `node:diagnostics_channel`, for metrics. Nothing is done when nobody listens. */
export const catalogChannels = {
  cache: channel('shop:catalog:cache'),
  rebuild: channel('shop:catalog:rebuild'),
};
