import type { MemoryState } from '../../../lib/stores/memory/memory-state.js';
import type { SimProcess } from './kernel/sim-process.js';
import type { LockServer } from './oracle.js';
import { NAMES } from './schedule.js';

/** The state that the services of one process share by the memory store, as the checks look at servers. */
export class MemoryServer implements LockServer {
  readonly id = 0;
  readonly up = true;
  readonly forgotAt = -Infinity;
  readonly keys: LockServer['keys'];

  constructor(
    readonly process: SimProcess,
    readonly state: MemoryState,
    keyPrefix: string,
  ) {
    const read = (key: string): ReturnType<MemoryState['read']> => state.read(key);
    this.keys = {
      pttl: (key) => (read(key)?.expiresAt ?? -Infinity) - process.mono(),
      hexists: (key, owner) => read(key)?.owner === owner,
      hgetall: (key) => {
        const owner = read(key)?.owner;
        return owner === undefined ? [] : [[owner, '1']];
      },
      // Tokens in memory are no keys and never expire.
      keys: (type) => (type === 'hash' ? NAMES.map((name) => keyPrefix + name).filter((key) => read(key)) : []),
    };
  }

  get subscriptions(): string[] {
    return [...this.state['listeners'].keys()];
  }
}
