import { Inject, Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { REDIS } from '../../shop/cache/redis.js';
import { ConfigError } from '../../shop/config/config.js';
import { guards, isGuardName } from './guards.js';
import type { GuardName } from './guards.js';
import type { SystemName } from './systems.js';
import type { EvolutionLock } from './systems/evolution-lock.js';
import { openSystem } from './systems/open-system.js';
import { ReportedLock } from './systems/reported-lock.js';

/**
 * Which system guards the catalog now. It begins with `CATALOG_GUARD`, and can be changed while the shop runs. A call
 * that began with one system ends with it.
 */
@Injectable()
export class SystemSwitch implements OnApplicationShutdown {
  private name: GuardName = guardFromEnvironment();
  private readonly opened = new Map<SystemName, EvolutionLock>();

  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  get current(): GuardName {
    return this.name;
  }

  set(name: GuardName): void {
    this.name = name;
  }

  /** The selected lock; `null` stands for this library's. */
  lock(): EvolutionLock | null {
    const { name } = this;
    if (name === 'with-lock' || name === 'single-flight') return null;
    const known = this.opened.get(name);
    if (known !== undefined) return known;
    const lock = new ReportedLock(name, openSystem(name, [this.redis]));
    this.opened.set(name, lock);
    return lock;
  }

  /** After the last request was answered. */
  async onApplicationShutdown(): Promise<void> {
    for (const lock of this.opened.values()) await lock.close?.();
  }
}

/** @throws ConfigError */
export function guardFromEnvironment(): GuardName {
  const name = process.env.CATALOG_GUARD ?? 'with-lock';
  if (isGuardName(name)) return name;
  throw new ConfigError(`CATALOG_GUARD must be one of ${Object.keys(guards).join(', ')}, but is "${name}".`);
}
