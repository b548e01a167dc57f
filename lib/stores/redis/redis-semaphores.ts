import type { SemaphoreStore } from '../lock-store.js';
import type { PermitState } from '../lock-state.js';
import { RedisKind, type KindConnections } from './redis-kind.js';
import type { KindScripts } from './scripts/lock-batches.js';

/** The permits of semaphores on one Redis or a cluster. */
export class RedisSemaphores extends RedisKind implements SemaphoreStore {
  /** @param read runs `INSPECT_PERMITS` */
  constructor(
    connections: KindConnections,
    scripts: KindScripts,
    private readonly read: (name: string) => Promise<unknown>,
  ) {
    super(connections, scripts);
  }

  async inspect(name: string): Promise<PermitState> {
    const [available, taken, permits] = (await this.read(name)) as [unknown, unknown, unknown];
    const held = Number(taken);
    if (permits !== '') return { permits: Number(permits), held };
    // Java has created it, and no service has used it in a day.
    return { permits: available === '' ? undefined : Number(available) + held, held };
  }
}
