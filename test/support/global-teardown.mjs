import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { services } from './global-services.mjs';

/**
 * @throws if Node printed a warning during the run, or if a test, or a process that one started, left something in the
 * temporary directory
 */
export default async function globalTeardown() {
  await services.redis?.stop();
  const warningsFile = process.env.NODE_WARNINGS_FILE;
  const warnings = existsSync(warningsFile) ? readFileSync(warningsFile, 'utf8') : '';
  rmSync(warningsFile, { force: true });
  const left = readdirSync(services.temp);
  rmSync(services.temp, { recursive: true, force: true });
  if (warnings !== '') throw new Error(`Node printed warnings during the run:\n${warnings}`);
  if (left.length > 0) throw new Error(`The tests left these in the temporary directory: ${left.join(', ')}`);
}
