import type { Shop } from '../launch/shop.js';
import { ControlError } from './control-error.js';
import type { ReplicaState } from './control-state.js';
import { SupervisedReplica } from './supervised-replica.js';
import type { ReplicaDelays } from './supervised-replica.js';

const usual: ReplicaDelays = { restartMs: 2_000, continueMs: 30_000 };

/** Keeps all replicas of a shop running, and passes the controls on to them. */
export class Supervisor {
  private readonly replicas: readonly SupervisedReplica[];

  constructor(shop: Shop, onChange: () => void, delays: Partial<ReplicaDelays> = {}) {
    this.replicas = shop.replicas.map(
      (replica) =>
        new SupervisedReplica(replica, () => shop.startAgain(replica.name), onChange, { ...usual, ...delays }),
    );
  }

  get states(): ReplicaState[] {
    return this.replicas.map(({ state }) => state);
  }

  replica(name: string): SupervisedReplica {
    const found = this.replicas.find((replica) => replica.name === name);
    if (found !== undefined) return found;
    const known = this.replicas.map((replica) => replica.name).join(', ');
    throw new ControlError(404, `There is no such replica. There are ${known}.`);
  }

  close(): void {
    for (const replica of this.replicas) replica.close();
  }
}
