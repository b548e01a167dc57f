import type { LockService } from 'nestjs-redis-lock';
import { waitUntil } from './wait-until.js';

/** A request that may still arrive from a dropped connection is unsettled for as long as the lease that it asks for. */
const LIMIT_MS = 65_000;

/** Waits until these services hold nothing, wait for nothing and have nothing left to settle. */
export async function untilIdle(...services: Pick<LockService, 'stats'>[]): Promise<void> {
  for (const service of services) {
    const isIdle = (): boolean => {
      const { held, waiting, unsettled } = service.stats();
      return held + waiting + unsettled === 0;
    };
    await waitUntil('the service is idle', isIdle, LIMIT_MS);
  }
}
