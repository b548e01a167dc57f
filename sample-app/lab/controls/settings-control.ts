import type { Redis } from 'ioredis';
import { isSystemName, systems } from '../evolution/systems.js';
import type { SystemName } from '../evolution/systems.js';
import { settingsKey } from '../live/settings.js';
import type { Settings } from '../live/settings.js';
import { ControlError } from './control-error.js';

const againAfterMs = 300;
/** A Redis that outlives the shop forgets the settings after this time; they are written again before that. */
const keptMs = 86_400_000;

/** Tells all replicas, now and later ones, what guards the catalog and how slow it is; also a Redis that forgot it. */
export class SettingsControl {
  private settings: Settings;
  private timer: NodeJS.Timeout | undefined;
  private readonly refresh = setInterval(() => void this.write(), keptMs / 24);
  private closed = false;

  /** @param redis with the shop's prefix before keys */
  constructor(
    private readonly redis: Redis,
    private readonly prefix: string,
    first: Settings,
    private readonly onChange: () => void,
  ) {
    this.settings = first;
    // Also after a restart without anything in it.
    redis.on('ready', () => void this.write());
    if (redis.status === 'ready') void this.write();
  }

  get current(): Settings {
    return this.settings;
  }

  async setGuard(name: string): Promise<string> {
    if (!isSystemName(name)) {
      throw new ControlError(400, `"guard" must be one of ${Object.keys(systems).join(', ')}.`);
    }
    const guard: SystemName = name;
    return this.change({ ...this.settings, guard }, `The catalog is now guarded by: ${systems[guard]}`);
  }

  async setQueryMs(queryMs: number): Promise<string> {
    return this.change(
      { ...this.settings, queryMs },
      `The query for the catalog now takes ${String(queryMs)} ms longer`,
    );
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    clearInterval(this.refresh);
  }

  private async change(settings: Settings, done: string): Promise<string> {
    this.settings = settings;
    this.onChange();
    return (await this.write()) ? `${done}.` : `${done}, as soon as Redis answers again.`;
  }

  /** Until it is written: a Redis that was only paused does not say when it goes on. */
  private async write(): Promise<boolean> {
    clearTimeout(this.timer);
    try {
      await this.redis.set(settingsKey, JSON.stringify(this.settings), 'PX', keptMs);
      await this.redis.publish(`${this.prefix}${settingsKey}`, '');
      return true;
    } catch {
      // Another one may have failed meanwhile: one of them goes on.
      clearTimeout(this.timer);
      if (!this.closed) this.timer = setTimeout(() => void this.write(), againAfterMs);
      return false;
    }
  }
}
