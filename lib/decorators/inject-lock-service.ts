import { Inject } from '@nestjs/common';
import { getLockServiceToken } from '../tokens.js';
import { checkConnection } from './decorator-options.js';

/**
 * Injects the lock service of a named connection. For the default connection, the parameter type `LockService` is
 * sufficient.
 *
 * @throws LockConfigError if `connection` is not a non-empty string
 * @publicApi
 */
export function InjectLockService(connection?: string): ParameterDecorator & PropertyDecorator {
  return Inject(getLockServiceToken(checkConnection('connection', connection)));
}
