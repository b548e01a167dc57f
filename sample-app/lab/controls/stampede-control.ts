import { CatalogCheck } from '../readers/catalog-check.js';
import { Readers } from '../readers/readers.js';
import type { Database } from '../../shop/database/database.js';
import { guards } from '../evolution/guards.js';
import type { GuardName } from '../evolution/guards.js';
import type { ColdCatalog } from './cold-catalog.js';
import { ControlError } from './control-error.js';
import type { StampedeState } from './control-state.js';
import type { LoadGenerator } from './load-generator.js';
import type { RebuildCounts } from './rebuild-counts.js';

const countEveryMs = 200;

/** Sends many readers at once to an empty cache, through the proxy, and counts the rebuilds. */
export class StampedeControl {
  private last: StampedeState | null = null;
  private readonly finished = new Map<GuardName, StampedeState>();
  private running = false;
  private closed = false;

  constructor(
    private readonly shopUrl: string,
    private readonly database: Database,
    private readonly rebuilds: RebuildCounts,
    private readonly cold: ColdCatalog,
    private readonly load: LoadGenerator,
    private readonly guard: () => GuardName,
    private readonly onChange: () => void,
  ) {}

  get state(): StampedeState | null {
    return this.last;
  }

  get results(): readonly StampedeState[] {
    return [...this.finished.values()];
  }

  /** Resolves when the last reader was served, or failed. */
  async run(readers: number): Promise<string> {
    if (this.running) throw new ControlError(409, 'A stampede is already running.');
    this.running = true;
    const letLoadGoOn = this.load.hold();
    const keep = this.cold.keep();
    try {
      return await this.runAlone(readers);
    } finally {
      this.running = false;
      keep();
      letLoadGoOn();
    }
  }

  close(): void {
    this.closed = true;
  }

  private async runAlone(readers: number): Promise<string> {
    const check = await CatalogCheck.of(this.database);
    await this.cold.empty();
    const before = await this.rebuilds.last();
    const guard = this.guard();
    const started = { guard, readers, served: 0, errors: 0, refused: 0, rebuilds: 0, startedAt: Date.now() };
    this.tell({ ...started, lastMs: null, p50Ms: null, p99Ms: null });

    let served = 0;
    const crowd = new Readers(`${this.shopUrl}/catalog`, readers, (body) => check.isRight(body));
    let over = false;
    const counting = setInterval(() => {
      void this.rebuilds.since(before).then(
        (rebuilds) => over || this.tell({ ...started, served, rebuilds, lastMs: null, p50Ms: null, p99Ms: null }),
        () => undefined,
      );
    }, countEveryMs);
    try {
      const all = await crowd.readAtOnce((number) => (served = number));
      const sorted = all.map(({ ms }) => ms).sort((a, b) => a - b);
      const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
      const errors = all.filter(({ error }) => error !== '').length;
      const refused = all.filter(({ error }) => error === 'status 409').length;
      clearInterval(counting);
      const rebuilt = await this.rebuilds.since(before);
      over = true;
      this.tell({
        ...started,
        ...{ served: readers - errors, errors, refused, rebuilds: rebuilt },
        ...{ lastMs: at(1), p50Ms: at(0.5), p99Ms: at(0.99) },
      });
      const times = rebuilt === 1 ? 'once' : `${String(rebuilt)} times`;
      const busy = refused === 0 ? '' : `, ${String(refused)} of them because the lock was busy (409)`;
      const failed = errors === 0 ? '' : ` ${String(errors)} got no catalog${busy}.`;
      return `${String(readers)} readers at once: the catalog was rebuilt ${times} (${guards[guard]}), and the last reader was served after ${(at(1) / 1000).toFixed(1)} s.${failed}`;
    } finally {
      over = true;
      clearInterval(counting);
      crowd.close();
    }
  }

  private tell(state: StampedeState): void {
    this.last = state;
    if (state.lastMs !== null) {
      this.finished.delete(state.guard);
      this.finished.set(state.guard, state);
    }
    if (!this.closed) this.onChange();
  }
}
