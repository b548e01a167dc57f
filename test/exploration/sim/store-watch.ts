import type { MemoryStore } from '../../../lib/stores/memory/memory-store.js';
import type { ScriptModel } from './redis/script-model.js';

/** Sees the requests that a store executes, and its replies, and judges them by rules that do not depend on its code. */
export interface StoreWatch {
  /** The model of a script, whose calls are watched. */
  watched(name: string, model: ScriptModel): ScriptModel;
  /** Watches the requests of one service to the memory store. */
  watchStore(store: MemoryStore): void;
}
