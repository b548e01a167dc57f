import type { LockService } from 'nestjs-redis-lock';
import { waitUntil } from './wait-until.js';

/** Waits until these services hold nothing, wait for nothing and have nothing left to settle. */
export async function untilIdle(...services: LockService[]): Promise<void> {
  for (const service of services) {
    await waitUntil('the service is idle', () => Object.values(service.stats()).every((count) => count === 0));
  }
}
