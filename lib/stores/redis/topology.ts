import type { WriteRoutes } from './replication/acked-writes.js';
import type { ConnectionWatch } from './connection/connection-watch.js';
import type { KeyMixing } from './scripts/key-mixing.js';
import type { StoreNode } from '../lock-state.js';
import type { NotificationLink } from './notifications/notification-link.js';

/** One server that stores locks, for its test at start-up. */
export interface TestPlace {
  /** Its address; '' if there is only one server. */
  readonly label: string;
  /** A lock name that it is responsible for. */
  readonly name: string;
  /** Tests the permission for `WAIT`. */
  readonly waitForReplicas: () => Promise<unknown>;
}

/** How requests and notifications reach the servers: one server, or the nodes of a cluster. */
export interface Topology {
  readonly connection: ConnectionWatch;
  readonly link: NotificationLink;
  readonly routes: WriteRoutes;
  /** Which locks may share a call. */
  readonly mixing: KeyMixing;
  /** Whether all requests use one connection, so that they are executed in the order in which they were sent. */
  readonly ordered: boolean;
  /** Whether notifications use sharded channels if the server has them. */
  readonly sharded: boolean;
  /** For each server, a new lock name that it is responsible for. */
  testPlaces(newName: () => string): readonly TestPlace[];
  /** The state of each server, if there are several. */
  readonly nodes?: readonly StoreNode[];
}
