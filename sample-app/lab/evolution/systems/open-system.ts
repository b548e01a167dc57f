import type { Redis } from 'ioredis';
import type { SystemName } from '../systems.js';
import type { EvolutionLock, LockTimings } from './evolution-lock.js';
import { Lock2013Set } from './lock-2013-set.lock.js';
import { Lock2013 } from './lock-2013.lock.js';
import { NoLock } from './no-lock.js';
import { RedissonLock } from './redisson.lock.js';
import type { RedissonOptions } from './redisson.lock.js';
import { Stage1Lock } from './stage-1.lock.js';
import { Stage2Lock } from './stage-2.lock.js';
import { Stage3Lock } from './stage-3.lock.js';
import { Stage4Lock } from './stage-4.lock.js';
import { Stage5PrintedLock } from './stage-5-printed.lock.js';
import { Stage5Lock } from './stage-5.lock.js';

/** All but this library, which comes through its Nest module. */
export type OtherSystem = Exclude<SystemName, 'with-lock'>;

/** Opens one of the other systems on a Redis, or on several; only the locks of 2013 use more than the first. */
export function openSystem(
  system: OtherSystem,
  nodes: readonly [Redis, ...Redis[]],
  timings: LockTimings & RedissonOptions = {},
): EvolutionLock {
  const [redis] = nodes;
  switch (system) {
    case 'none':
      return new NoLock();
    case 'lock-2013':
      return new Lock2013(nodes, timings);
    case 'lock-2013-set':
      return new Lock2013Set(nodes, timings);
    case 'stage-1':
      return new Stage1Lock(redis, timings);
    case 'stage-2':
      return new Stage2Lock(redis, timings);
    case 'stage-3':
      return new Stage3Lock(redis, timings);
    case 'stage-4':
      return new Stage4Lock(redis, timings);
    case 'stage-5':
      return new Stage5Lock(redis, timings);
    case 'stage-5-printed':
      return new Stage5PrintedLock(redis, timings);
    case 'redisson':
      return new RedissonLock(redis, timings);
  }
}
