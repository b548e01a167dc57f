import type { WriteRoutes } from './replication/acked-writes.js';
import type { ConnectionWatch } from './connection/connection-watch.js';
import type { KeyMixing } from './scripts/key-mixing.js';
import type { StoreNode } from '../lock-state.js';
import type { NotificationLink } from './notifications/notification-link.js';

/** One server that keeps locks, for its test at start-up. */
export interface TestPlace {
  /** Its address; '' where there is only one. */
  readonly label: string;
  /** A name whose lock it keeps. */
  readonly name: string;
  /** Uses the permission for `WAIT`. */
  readonly waitForReplicas: () => Promise<unknown>;
}

/** How requests and notifications reach the servers: one server, or the nodes of a cluster. */
export interface Topology {
  readonly connection: ConnectionWatch;
  readonly link: NotificationLink;
  readonly routes: WriteRoutes;
  /** Which locks may share a call. */
  readonly mixing: KeyMixing;
  /** Whether all requests take one connection, so that they are carried out in the order they were sent. */
  readonly ordered: boolean;
  /** Whether notifications are sent to sharded channels where the server has them. */
  readonly sharded: boolean;
  /** For each server, a new name whose lock it keeps. */
  testPlaces(newName: () => string): readonly TestPlace[];
  /** The state of each of several servers. */
  readonly nodes?: readonly StoreNode[];
}
