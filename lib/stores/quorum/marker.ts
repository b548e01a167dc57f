import { monotonic } from '../../time/clock.js';
import { Script } from '../redis/lua/script.js';
import { MARK } from './lua/mark.lua.js';

export const MARK_SCRIPT = new Script(MARK);

/** The marker that a node must still have to vote. */
export interface Marker {
  /** The key of the marker; '' if votes need none. */
  readonly key: string;
  readonly id: string;
}

/**
 * The key of a node's marker. Services with another prefix have their own marker, so that each needs permissions only
 * for its own keys.
 */
export function markerKey(keyPrefix: string): string {
  return `redis_lock_marker:{${keyPrefix}}`;
}

/** Tracks the marker of one node: when it proves that the node has kept its state for long enough. */
export class MarkerAge {
  private id = '';
  private votesFrom = 0;

  /**
   * @param reply of the script `MARK`
   * @param guardMs how old the marker must be
   * @returns the marker's id, and from when on the node votes, on the monotonic clock
   */
  onReply(reply: unknown, guardMs: number): { readonly id: string; readonly votesFrom: number } {
    const [id, byServer, byClients] = reply as [string, unknown, unknown];
    const ageMs = Math.min(Number(byServer), Number(byClients));
    const votesFrom = monotonic() - ageMs + guardMs;
    // A marker that still exists can only have become older, even if a clock was set back.
    this.votesFrom = this.id === id ? Math.min(this.votesFrom, votesFrom) : votesFrom;
    this.id = id;
    return { id, votesFrom: this.votesFrom };
  }
}
