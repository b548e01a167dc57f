import { channel } from 'node:diagnostics_channel';
import type { SystemName } from './systems.js';

/** What a caller of a system other than `@WithLock` came to. This library has channels of its own. */
export type GuardMessage = {
  readonly system: SystemName;
  /** The lock's name. */
  readonly name: string;
} & (
  | { readonly type: 'waiting' }
  | { readonly type: 'acquired'; readonly waitedMs: number }
  | { readonly type: 'released'; readonly heldMs: number }
  /** It got no lock: the lock stayed taken, or Redis could not be asked. */
  | { readonly type: 'gave-up'; readonly waitedMs: number }
);

/** Nothing is done when nobody listens. */
export const guardChannel = channel('shop:guard');
