import { channel } from 'node:diagnostics_channel';
import type { SystemName } from './systems.js';

/** An event of a system other than `@WithLock`, which has its own channels. */
export type GuardMessage = {
  readonly system: SystemName;
  /** The lock's name. */
  readonly name: string;
} & (
  | { readonly type: 'waiting' }
  | { readonly type: 'acquired'; readonly waitedMs: number }
  | { readonly type: 'released'; readonly heldMs: number }
  /** The caller got no lock: it stayed taken, or Redis could not be reached. */
  | { readonly type: 'gave-up'; readonly waitedMs: number }
);

/** Without subscribers, no message is created. */
export const guardChannel = channel('shop:guard');
