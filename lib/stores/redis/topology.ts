import type { WriteRoutes } from './acked-writes.js';
import type { ConnectionWatch } from './connection-watch.js';
import type { KeyMixing } from './key-mixing.js';
import type { NoticeLink } from './notice-link.js';

/** How requests and notices reach the servers: one server, or the nodes of a cluster. */
export interface Topology {
  readonly connection: ConnectionWatch;
  readonly link: NoticeLink;
  readonly routes: WriteRoutes;
  /** Which locks may share a call. */
  readonly mixing: KeyMixing;
  /** Whether all requests take one connection, so that they are carried out in the order they were sent. */
  readonly ordered: boolean;
  /** Whether notices are sent to sharded channels where the server has them. */
  readonly sharded: boolean;
}
