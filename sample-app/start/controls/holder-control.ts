import { get } from 'node:http';
import { WHOLE_CATALOG } from '../../src/catalog/whole-catalog.js';
import type { SystemName } from '../../src/evolution/systems.js';
import type { ReplicaReport } from '../../src/live/replica-report.js';
import type { Settings } from '../../src/live/settings.js';
import type { ColdCatalog } from './cold-catalog.js';
import { ControlError } from './control-error.js';
import type { ReportWatch } from './report-watch.js';
import type { SupervisedReplica } from './supervised-replica.js';
import type { Supervisor } from './supervisor.js';

const limitMs = 5_000;
/** A rebuild that is shorter is over before its replica can be killed. */
const shortestMs = 300;
/** Enough that some of them wait on every replica. */
const readers = 12;

interface Holder {
  readonly replica: string;
  readonly token: number | null;
}

/** Does something to the one replica that rebuilds the catalog, in the middle of its work. */
export class HolderControl {
  private busy = false;

  constructor(
    private readonly shopUrl: string,
    private readonly supervisor: Supervisor,
    private readonly cold: ColdCatalog,
    private readonly reports: ReportWatch,
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
      const message = `The query takes ${String(queryMs)} ms only: nobody can be caught at it. Make it ${String(shortestMs)} ms or more.`;
      throw new ControlError(409, message);
    }
    if (this.busy) throw new ControlError(409, 'A holder is being looked for already.');
    this.busy = true;
    try {
      const { replica, token } = await this.find();
      const message = await act(this.supervisor.replica(replica));
      return `${replica} was in the middle of a rebuild${lockOf(guard, token)}. ${message}`;
    } finally {
      this.busy = false;
    }
  }

  private async find(): Promise<Holder> {
    await this.cold.empty();
    const found = this.reports.wait(limitMs, rebuildOf);
    for (let i = 0; i < readers; i += 1) this.read();
    const holder = await found;
    if (holder !== null) return holder;
    throw new ControlError(
      409,
      `No replica began to rebuild within ${String(limitMs / 1000)} s: the lock may still be taken.`,
    );
  }

  private read(): void {
    get(new URL('/catalog', this.shopUrl), { agent: false }, (response) => {
      response.on('error', () => undefined).resume();
    }).on('error', () => undefined);
  }
}

/** Whether the replica is at a rebuild of the whole catalog that it began just now. */
function rebuildOf({ replica, events, cache }: ReplicaReport): Holder | null {
  if (cache.rebuilding === 0) return null;
  const last = events.findLast(
    (event) => (event.type === 'rebuild-began' || event.type === 'rebuild-ended') && event.section === WHOLE_CATALOG,
  );
  return last?.type === 'rebuild-began' ? { replica, token: last.token } : null;
}

function lockOf(guard: SystemName, token: number | null): string {
  if (guard === 'none') return '';
  return token === null ? ', with the lock, which has no token' : `, with the lock and token ${String(token)}`;
}
