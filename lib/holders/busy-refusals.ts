import { LockBusyError } from '../errors/index.js';
import type { LockHolder } from '../lock-holder.js';
import type { LockStore } from '../stores/lock-store.js';
import { RunningTimer } from '../time/running-timer.js';
import type { HolderRegistry } from './holder-registry.js';

/** How much longer a caller that has waited in vain waits for the name of the holder, at most, in ms. */
const PATIENCE_MS = 100;

/**
 * Says in the error of a caller that has waited for a lock in vain which process holds it. Callers that are refused at the same
 * time share a request.
 */
export class BusyRefusals {
  private readonly lookups = new Map<string, Promise<LockHolder | undefined>>();

  constructor(
    private readonly store: Pick<LockStore, 'inspect'>,
    private readonly registry: HolderRegistry,
  ) {}

  /** This process. */
  get self(): LockHolder {
    return this.registry.self;
  }

  /** Never rejects. */
  async explain(name: string, error: LockBusyError): Promise<LockBusyError> {
    const holder = await this.holderOf(name);
    const { reason, waitedMs, remainingMs } = error;
    return holder === undefined ? error : new LockBusyError(name, { reason, waitedMs, remainingMs, holder });
  }

  /** Who holds a lock now, if that is known soon. Never rejects. */
  async holderOf(name: string): Promise<LockHolder | undefined> {
    let lookup = this.lookups.get(name);
    if (lookup === undefined) {
      lookup = this.look(name).finally(() => {
        this.lookups.delete(name);
      });
      this.lookups.set(name, lookup);
    }
    let timer: RunningTimer | undefined;
    const patience = new Promise<undefined>((resolve) => {
      timer = new RunningTimer(PATIENCE_MS, () => {
        resolve(undefined);
      });
    });
    const holder = await Promise.race([lookup, patience]);
    timer?.stop();
    return holder;
  }

  private async look(name: string): Promise<LockHolder | undefined> {
    try {
      const { held, owner } = await this.store.inspect(name);
      return held ? await this.registry.find(owner) : undefined;
    } catch {
      return undefined;
    }
  }
}
