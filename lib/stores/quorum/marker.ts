import { monotonic } from '../../time/clock.js';
import { Script } from '../redis/lua/script.js';
import { MARK } from './lua/mark.lua.js';

export const MARK_SCRIPT = new Script(MARK);

/** How a vote names the marker that the node must still have. */
export interface Marker {
  /** The key of the marker; '': votes need none. */
  readonly key: string;
  readonly id: string;
}

/**
 * The key of a node's marker. Services with another prefix have one of their own, so that each needs permissions for its
 * own keys only.
 */
export function markerKey(keyPrefix: string): string {
  return `redis_lock_marker:{${keyPrefix}}`;
}

/** Follows the marker of one node: from when on it proves that the node kept its state for long enough. */
export class MarkerAge {
  private id = '';
  private votesFrom = 0;

  /**
   * @param reply of the script `MARK`
   * @param guardMs how old the marker must be
   * @returns the marker's id, and from when on it gives a vote, on the monotonic clock
   */
  onReply(reply: unknown, guardMs: number): { readonly id: string; readonly votesFrom: number } {
    const [id, byServer, byClients] = reply as [string, unknown, unknown];
    const ageMs = Math.min(Number(byServer), Number(byClients));
    const votesFrom = monotonic() - ageMs + guardMs;
    // A marker that is still there has only become older, whatever the clocks show.
    this.votesFrom = this.id === id ? Math.min(this.votesFrom, votesFrom) : votesFrom;
    this.id = id;
    return { id, votesFrom: this.votesFrom };
  }
}
