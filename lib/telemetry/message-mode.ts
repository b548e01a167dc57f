import type { MessageMode } from './messages.js';

/** A hold or a request, as messages report it. */
export interface TakenAs {
  readonly mode?: MessageMode | undefined;
  /** Of a semaphore. */
  readonly permits?: unknown;
}

export function modeOf({ mode, permits }: TakenAs): MessageMode {
  return permits === undefined ? (mode ?? 'exclusive') : 'semaphore';
}
