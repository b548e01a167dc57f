import type { WriteRoutes } from './acked-writes.js';
import type { ConnectionWatch } from './connection-watch.js';
import type { NoticeLink } from './notice-link.js';

/** How requests and notices reach the servers: one server, or the nodes of a cluster. */
export interface Topology {
  readonly connection: ConnectionWatch;
  readonly link: NoticeLink;
  readonly routes: WriteRoutes;
  /** The hash slot of a lock's keys; throws `LockNameError` if they are not in one. `undefined`: there are no slots. */
  readonly slotOf: ((name: string) => number) | undefined;
  /** Whether notices are sent to sharded channels; `undefined`: not known before `learn`. */
  readonly sharded: boolean | undefined;
  learn(): Promise<boolean>;
}
