import type { Redis } from 'ioredis';

interface Node {
  readonly id: string;
  readonly admin: Redis;
  readonly server: { readonly port: number; readonly running: boolean };
}

/** Moves one slot of a cluster from a master to another, step by step, as `redis-cli --cluster reshard` does. */
export class SlotMigration {
  constructor(
    readonly slot: number,
    private readonly from: Node,
    private readonly to: Node,
    private readonly members: readonly Node[],
  ) {}

  /** From now on the old master answers `ASK` for keys it does not have, and `TRYAGAIN` for some of several. */
  async begin(): Promise<void> {
    await this.to.admin.cluster('SETSLOT', this.slot, 'IMPORTING', this.from.id);
    await this.from.admin.cluster('SETSLOT', this.slot, 'MIGRATING', this.to.id);
  }

  /** Moves up to `limit` keys, and says how many it moved. */
  async moveKeys(limit = 1_000): Promise<number> {
    const keys = await this.from.admin.cluster('GETKEYSINSLOT', this.slot, limit);
    if (keys.length > 0) await this.moveKey(...keys);
    return keys.length;
  }

  async moveKey(...keys: string[]): Promise<void> {
    const { port } = this.to.server;
    await this.from.admin.call('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'REPLACE', 'KEYS', ...keys);
  }

  /** The slot is the new master's: all are told, the two concerned first. Keys that are left are moved before. */
  async finish(): Promise<void> {
    while ((await this.moveKeys()) > 0);
    const others = this.members.filter((node) => node !== this.to && node !== this.from);
    await this.to.admin.cluster('SETSLOT', this.slot, 'NODE', this.to.id);
    await this.from.admin.cluster('SETSLOT', this.slot, 'NODE', this.to.id);
    for (const { admin, server } of others) {
      // Replicas refuse it and hear of it from their masters.
      if (server.running) await admin.cluster('SETSLOT', this.slot, 'NODE', this.to.id).catch(() => undefined);
    }
  }

  /** Takes `begin` back; keys that were moved stay where they are. */
  async giveUp(): Promise<void> {
    await this.from.admin.cluster('SETSLOT', this.slot, 'STABLE');
    await this.to.admin.cluster('SETSLOT', this.slot, 'STABLE');
  }
}
