import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { openDatabase, type OpenDatabase } from '../../sample-app/shop/database/database.js';
import { startBacking, type Backing } from '../../sample-app/lab/launch/backing.js';
import { ControlServer } from '../../sample-app/lab/controls/control-server.js';
import { Controls, type ControlsOptions } from '../../sample-app/lab/controls/controls.js';
import { startShop, type Shop } from '../../sample-app/lab/launch/shop.js';
import { buildSample, type BuiltSample } from './built-sample.js';

jest.setTimeout(120_000);

export interface LiveFixtureOptions {
  readonly replicas: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly delays?: ControlsOptions['delays'];
}

/** A shop with the lab, the live page and the controls, on a Redis of its own and a real PostgreSQL. */
export class LiveFixture {
  private constructor(
    readonly built: BuiltSample,
    readonly backing: Backing,
    readonly shop: Shop,
    readonly controls: Controls,
    readonly database: OpenDatabase,
    /** Sees the shop's keys without their prefix. */
    readonly redis: Redis,
  ) {}

  static async start({ replicas, env = {}, delays = {} }: LiveFixtureOptions): Promise<LiveFixture> {
    // Not one that others use: it is restarted and paused.
    delete process.env.REDIS_URL;
    const [built, backing, server] = await Promise.all([buildSample(), startBacking(), ControlServer.listen()]);
    const shop = await startShop({
      redisUrl: backing.redisUrl,
      databaseUrl: backing.databaseUrl,
      replicas,
      guard: 'with-lock',
      controlsUrl: server.url,
      env: { REDIS_PREFIX: backing.redisPrefix, ...env },
      programs: built.folder,
    });
    const settings = { guard: 'with-lock', queryMs: Number(env.CATALOG_QUERY_MS ?? '300') } as const;
    const load = { readersPerSecond: 0, buyersPerSecond: 0, offersPerSecond: 0 };
    const controls = new Controls({
      ...{ server, backing, shop, settings, catalogTtlMs: 600_000, load, delays },
      evolution: { systems: ['stage-1', 'with-lock'], scenarios: ['calm'], programs: built.folder },
    });
    const database = openDatabase(backing.databaseUrl, 1);
    const redis = new Redis(backing.redisUrl, { keyPrefix: backing.redisPrefix });
    redis.on('error', () => {});
    return new LiveFixture(built, backing, shop, controls, database, redis);
  }

  /** Uses a control as the page does, and tells what it said. */
  async control(path: string, body: object = {}): Promise<{ status: number; message: string }> {
    const response = await fetch(`${this.shop.url}/controls/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { message } = (await response.json()) as { message: string };
    return { status: response.status, message };
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.controls.close();
    await this.shop.stop();
    await this.database.close();
    await this.backing.stop();
    this.built.remove();
  }
}
