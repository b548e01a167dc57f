import type { Redis } from 'ioredis';
import { guards, isGuardName } from '../evolution/guards.js';
import type { GuardName } from '../evolution/guards.js';
import { settingsKey } from '../live/settings.js';
import type { Settings } from '../live/settings.js';
import { ControlError } from './control-error.js';

const againAfterMs = 300;
/** In a Redis that outlives the shop, the settings expire after this time, in ms; they are renewed before. */
const keptMs = 86_400_000;

/** Publishes the settings to all replicas, including later ones, and again after Redis has lost them. */
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
    // Also after a restart with no data.
    redis.on('ready', () => void this.write());
    if (redis.status === 'ready') void this.write();
  }

  get current(): Settings {
    return this.settings;
  }

  async setGuard(name: string): Promise<string> {
    if (!isGuardName(name)) {
      throw new ControlError(400, `"guard" must be one of ${Object.keys(guards).join(', ')}.`);
    }
    const guard: GuardName = name;
    return this.change({ ...this.settings, guard }, `The catalog is now guarded by: ${guards[guard]}`);
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
    return (await this.write()) ? `${done}.` : `${done}, as soon as Redis replies again.`;
  }

  /** Retries until the settings are written: there is no event when a paused Redis continues. */
  private async write(): Promise<boolean> {
    clearTimeout(this.timer);
    try {
      await this.redis.set(settingsKey, JSON.stringify(this.settings), 'PX', keptMs);
      await this.redis.publish(`${this.prefix}${settingsKey}`, '');
      return true;
    } catch {
      // Only one of several failed writes is retried.
      clearTimeout(this.timer);
      if (!this.closed) this.timer = setTimeout(() => void this.write(), againAfterMs);
      return false;
    }
  }
}
