import { ending } from '../../services/cleanup.js';
import { openDatabase } from '../../shop/database/database.js';
import { seedStock } from '../../shop/database/seed.js';
import type { EvolutionOptions } from '../evolution/run-evolution.js';
import type { EventStream } from '../live/event-stream.js';
import { mostQueryMs } from '../live/settings.js';
import type { Settings } from '../live/settings.js';
import type { Backing } from '../launch/backing.js';
import type { Shop } from '../launch/shop.js';
import { ColdCatalog } from './cold-catalog.js';
import { openLauncherRedis } from '../launch/launcher-redis.js';
import type { ControlAction, ControlServer } from './control-server.js';
import type { ControlState, Load } from './control-state.js';
import { EvolutionControl } from './evolution-control.js';
import { HolderControl } from './holder-control.js';
import { LoadGenerator } from './load-generator.js';
import { RebuildCounts } from './rebuild-counts.js';
import { RedisControl } from './redis-control.js';
import type { RedisDelays } from './redis-control.js';
import { SettingsControl } from './settings-control.js';
import { StampedeControl } from './stampede-control.js';
import type { ReplicaDelays } from './supervised-replica.js';
import { Supervisor } from './supervisor.js';

export interface ControlsOptions {
  readonly server: ControlServer;
  readonly backing: Backing;
  readonly shop: Shop;
  /** What the replicas were started with. */
  readonly settings: Settings;
  /** How long an entry of the cache lives, in ms. */
  readonly catalogTtlMs: number;
  /** The initial load while a page is open. */
  readonly load: Load;
  readonly delays?: Partial<ReplicaDelays & RedisDelays>;
  /** The systems and scenarios to run. Default: all. */
  readonly evolution?: EvolutionOptions;
}

const stateEveryMs = 1_000;
const replicaPath = /^replicas\/([\w-]+)\/(kill|stop|continue|start)$/;

/** The controls of a shop that was started for demonstrations. */
export class Controls {
  private readonly server: ControlServer;
  private readonly redis;
  private readonly database;
  private readonly supervisor: Supervisor;
  private readonly redisControl: RedisControl;
  private readonly settings: SettingsControl;
  private readonly load: LoadGenerator;
  private readonly stampede: StampedeControl;
  private readonly evolution: EvolutionControl;
  private readonly timer: NodeJS.Timeout;
  private readonly actions: Readonly<Record<string, ControlAction>>;
  private telling = false;
  private closed: Promise<void> | null = null;

  constructor({ server, backing, shop, settings, catalogTtlMs, load, delays, evolution }: ControlsOptions) {
    const changed = (): void => this.changed();
    const { redisUrl, redisPrefix } = backing;
    this.server = server;
    this.redis = openLauncherRedis(redisUrl, redisPrefix);
    this.database = openDatabase(backing.databaseUrl, 2);
    this.supervisor = new Supervisor(shop, changed, delays);
    this.redisControl = new RedisControl(backing.redis, changed, delays);
    this.settings = new SettingsControl(this.redis, redisPrefix, settings, changed);
    const skus = seedStock().map(({ sku }) => sku);
    this.load = new LoadGenerator(shop.url, skus, load, changed);
    const cold = new ColdCatalog(this.redis, this.database.database, catalogTtlMs);
    const counts = new RebuildCounts(this.database.database);
    const guard = () => this.settings.current.guard;
    this.stampede = new StampedeControl(shop.url, this.database.database, counts, cold, this.load, guard, changed);
    const holder = new HolderControl(shop.url, this.supervisor, cold, counts, () => this.settings.current);
    this.evolution = new EvolutionControl(this.load, { redisUrl, ...evolution }, (table) => {
      server.send('evolution', table);
    });

    this.actions = {
      guard: (body) => this.settings.setGuard(body.only('guard').text('guard')),
      query: (body) => this.settings.setQueryMs(body.only('ms').whole('ms', 0, mostQueryMs)),
      cold: (body) => (body.only(), cold.empty()),
      load: (body) => {
        body.only('readersPerSecond', 'buyersPerSecond', 'offersPerSecond');
        return this.load.set({
          readersPerSecond: body.whole('readersPerSecond', 0, 500),
          buyersPerSecond: body.whole('buyersPerSecond', 0, 200),
          offersPerSecond: body.whole('offersPerSecond', 0, 50),
        });
      },
      stampede: (body) => this.stampede.run(body.only('readers').whole('readers', 1, 2_000)),
      'holder/kill': (body) => (body.only(), holder.kill()),
      'holder/stop': (body) => (body.only(), holder.stop()),
      'evolution/run': (body) => (body.only(), this.evolution.run()),
      'redis/restart': (body) => (body.only(), this.redisControl.restart()),
      'redis/pause': (body) => (body.only(), this.redisControl.pause()),
      'redis/continue': (body) => (body.only(), this.redisControl.continue()),
    };
    server.serve({
      reads: { state: () => this.readState(), evolution: () => this.evolution.current },
      action: (path) => this.action(path),
      onStream: (stream) => this.onStream(stream),
    });
    this.timer = setInterval(() => server.send('state', this.state), stateEveryMs);
    // From here on, killed replicas are not restarted, and no load is sent.
    ending.addEventListener('abort', () => void this.close(), { once: true });
  }

  get state(): ControlState {
    const { guard, queryMs } = this.settings.current;
    return {
      replicas: this.supervisor.states,
      redis: this.redisControl.state,
      guard,
      queryMs,
      load: this.load.current,
      stampede: this.stampede.state,
      results: this.stampede.results,
      evolutionVersion: this.evolution.version,
      unavailable: this.redisControl.unavailable,
    };
  }

  /** A visible page reads the state twice a second. */
  private readState(): ControlState {
    this.load.seen();
    return this.state;
  }

  close(): Promise<void> {
    return (this.closed ??= this.closeAll());
  }

  private async closeAll(): Promise<void> {
    clearInterval(this.timer);
    this.supervisor.close();
    this.load.close();
    this.stampede.close();
    this.settings.close();
    this.redisControl.close();
    this.server.close();
    this.redis.disconnect();
    await this.evolution.close();
    await this.database.close();
  }

  private action(path: string): ControlAction | null {
    const [, name, verb] = replicaPath.exec(path) ?? [];
    if (name === undefined) return Object.hasOwn(this.actions, path) ? (this.actions[path] ?? null) : null;
    return (body) => {
      body.only();
      const replica = this.supervisor.replica(name);
      if (verb === 'kill') return replica.kill();
      if (verb === 'stop') return replica.stop();
      return verb === 'continue' ? replica.continue() : replica.start();
    };
  }

  private onStream(stream: EventStream): () => void {
    stream.send('state', JSON.stringify(this.state));
    stream.send('evolution', JSON.stringify(this.evolution.current));
    return this.load.watch();
  }

  /** Sends one update for all changes of the same moment. */
  private changed(): void {
    if (this.telling) return;
    this.telling = true;
    setImmediate(() => {
      this.telling = false;
      this.server.send('state', this.state);
    });
  }
}
