import { Inject } from '@nestjs/common';
import { getLockServiceToken } from '../tokens.js';
import { checkConnection } from './decorator-options.js';

/**
 * Injects the lock service of a named connection. For the default connection `LockService` as a parameter's type is
 * enough.
 *
 * @throws LockConfigError if `connection` is no name
 * @publicApi
 */
export function InjectLockService(connection?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getLockServiceToken(checkConnection('connection', connection)));
}
