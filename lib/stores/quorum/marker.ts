import { Script } from '../redis/script.js';
import { MARK } from './scripts/mark.lua.js';

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

/** The marker of a node as the script `MARK` replies. */
export interface MarkerReply {
  readonly id: string;
  /** Its age in ms: the smaller of those by the server's clock and by the clocks of clients. */
  readonly ageMs: number;
}

export function readMarker(reply: unknown): MarkerReply {
  const [id, byServer, byClients] = reply as [string, unknown, unknown];
  return { id, ageMs: Math.min(Number(byServer), Number(byClients)) };
}
