import type { World } from './kernel/world.js';
import type { SimConnection } from './network/link.js';
import type { Oracle } from './oracle.js';
import type { Replica } from './replica.js';

const LOOK_US = 25_000;
/** A connection that is in use and whose peer is gone is replaced within this time, in µs. */
const REPLACED_US = 3_500_000;
/** A waiter that relies on such a connection is served this long after the lock became free at the latest, in µs. */
const SERVED_US = 4_500_000;
/** After a replacement, notifications arrive again within this time, in µs. */
const BACK_US = 1_000_000;

/** Follows connections that only listen and whose peer is gone without a word: nothing fails on them. */
export class SilentListeners {
  private seenAt = -Infinity;

  constructor(
    private readonly world: World,
    private readonly oracle: Oracle,
  ) {}

  /** How long a lock that callers wait for may stay free, in µs, because of such connections; 0: there are none. */
  get allowanceUs(): number {
    return this.world.now < this.seenAt + BACK_US ? SERVED_US : 0;
  }

  watch(connection: SimConnection, replica: Replica): void {
    const { world } = this;
    const { process, links } = replica;
    let usedUs = 0;
    const look = (): void => {
      if (!process.alive || !links.some(({ connections }) => connections.has(connection))) return;
      this.seenAt = world.now;
      usedUs = !process.paused && connection.channels.size > 0 ? usedUs + LOOK_US : 0;
      if (usedUs > REPLACED_US) {
        this.oracle.violate(`process ${process.id} still listens on a connection whose peer is gone`);
        return;
      }
      world.after(LOOK_US, look);
    };
    look();
  }
}
