import type { HolderStore } from '../holder-store.js';
import type { RedisArgument } from './connection/redis-client.js';
import { HOLDER } from './lua/holder.lua.js';
import { Script } from './lua/script.js';
import type { KeyLayout } from './scripts/key-layout.js';
import type { ScriptCaller } from './scripts/script-caller.js';

const SCRIPT = new Script(HOLDER);

/** The records of processes on one Redis server or a cluster: one key for each. */
export class RedisHolders implements HolderStore {
  constructor(
    private readonly layout: KeyLayout,
    private readonly scripts: ScriptCaller,
    private readonly timeoutMs: number,
  ) {}

  async write(id: string, record: string, ttlMs: number): Promise<void> {
    await this.call(id, ttlMs, record);
  }

  async read(id: string): Promise<string | null> {
    const record = await this.call(id);
    return record === '' ? null : String(record);
  }

  async remove(id: string): Promise<void> {
    await this.call(id, 0);
  }

  private call(id: string, ...args: RedisArgument[]): Promise<unknown> {
    return this.scripts.call(SCRIPT, [this.layout.holder(id)], args, this.timeoutMs);
  }
}
