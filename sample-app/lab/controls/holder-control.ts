import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardName } from '../evolution/guards.js';
import type { Settings } from '../live/settings.js';
import type { ColdCatalog } from './cold-catalog.js';
import { ControlError } from './control-error.js';
import type { RebuildCounts } from './rebuild-counts.js';
import type { SupervisedReplica } from './supervised-replica.js';
import type { Supervisor } from './supervisor.js';

const limitMs = 5_000;
const lookEveryMs = 10;
/** A shorter rebuild ends before its replica can be killed. */
const shortestMs = 300;
/** Enough that some of them wait on every replica. */
const readers = 12;

interface Holder {
  /** Of the rebuild. */
  readonly id: number;
  readonly replica: string;
  readonly token: number | null;
}

/** Acts on the replica that rebuilds the catalog, in the middle of its work. */
export class HolderControl {
  private busy = false;

  constructor(
    private readonly shopUrl: string,
    private readonly supervisor: Supervisor,
    private readonly cold: ColdCatalog,
    private readonly rebuilds: RebuildCounts,
    private readonly settings: () => Settings,
  ) {}

  async kill(): Promise<string> {
    return this.toHolder((replica) => replica.kill());
  }

  async stop(): Promise<string> {
    return this.toHolder((replica) => replica.stop());
  }

  private async toHolder(act: (replica: SupervisedReplica) => string | Promise<string>): Promise<string> {
    const { guard, queryMs } = this.settings();
    if (queryMs < shortestMs) {
      const message = `The query takes only ${String(queryMs)} ms, too short to act on its replica. Make it ${String(shortestMs)} ms or more.`;
      throw new ControlError(409, message);
    }
    if (this.busy) throw new ControlError(409, 'The control is already waiting for a holder.');
    this.busy = true;
    try {
      const { id, replica, token } = await this.find();
      const message = await act(this.supervisor.replica(replica));
      const when = (await this.rebuilds.isRunning(id))
        ? 'was in the middle of a rebuild'
        : 'had just ended its rebuild';
      return `${replica} ${when}${lockOf(guard, token)}. ${message}`;
    } finally {
      this.busy = false;
    }
  }

  private async find(): Promise<Holder> {
    const before = await this.rebuilds.last();
    await this.cold.empty();
    for (let i = 0; i < readers; i += 1) this.read();
    const end = performance.now() + limitMs;
    while (performance.now() < end) {
      const running = await this.rebuilds.runningSince(before);
      if (running !== null) return running;
      await sleep(lookEveryMs);
    }
    const message = `No replica began to rebuild within ${String(limitMs / 1000)} s: the lock may still be taken.`;
    throw new ControlError(409, message);
  }

  private read(): void {
    get(new URL('/catalog', this.shopUrl), { agent: false }, (response) => {
      response.on('error', () => undefined).resume();
    }).on('error', () => undefined);
  }
}

function lockOf(guard: GuardName, token: number | null): string {
  if (guard === 'none') return '';
  return token === null ? ', with the lock, which has no token' : `, with the lock and token ${String(token)}`;
}
