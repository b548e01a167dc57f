import { readdirSync, rmSync } from 'node:fs';
import { services } from './global-services.mjs';

/** @throws if a test, or a process that one started, left something in the temporary directory */
export default async function globalTeardown() {
  await services.redis?.stop();
  const left = readdirSync(services.temp);
  rmSync(services.temp, { recursive: true, force: true });
  if (left.length > 0) throw new Error(`The tests left these in the temporary directory: ${left.join(', ')}`);
}
