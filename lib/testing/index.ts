export { createTestLockService } from './create-test-lock-service.js';
export { TestLockService, type FaultOptions } from './test-lock-service.js';
export { overrideLocks, type ProviderOverrides } from './override-locks.js';
export { withLocks, type WithLocksOptions } from './with-locks.js';
