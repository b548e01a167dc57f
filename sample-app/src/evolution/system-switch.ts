import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import { REDIS } from '../cache/redis.js';
import { isSystemName, systems } from './systems.js';
import type { SystemName } from './systems.js';
import type { EvolutionLock } from './systems/evolution-lock.js';
import { NoLock } from './systems/no-lock.js';
import { Stage5Lock } from './systems/stage-5.lock.js';

/** Which system guards the catalog now. It begins with `CATALOG_GUARD`, and can be changed while the shop runs. */
@Injectable()
export class SystemSwitch {
  private name: SystemName = systemFromEnvironment();
  private readonly none: EvolutionLock = new NoLock();
  private readonly stage5: EvolutionLock;

  constructor(@Inject(REDIS) redis: Redis) {
    this.stage5 = new Stage5Lock(redis);
  }

  get current(): SystemName {
    return this.name;
  }

  set(name: SystemName): void {
    this.name = name;
  }

  /** The lock that is switched on; `null` stands for `@WithLock`. */
  lock(): EvolutionLock | null {
    if (this.name === 'with-lock') return null;
    return this.name === 'stage-5' ? this.stage5 : this.none;
  }
}

function systemFromEnvironment(): SystemName {
  const name = process.env.CATALOG_GUARD ?? 'with-lock';
  if (isSystemName(name)) return name;
  throw new Error(`CATALOG_GUARD must be one of ${Object.keys(systems).join(', ')}, but is "${name}".`);
}
