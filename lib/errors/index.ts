export { LockError, type LockErrorCode } from './lock-error.js';
export { LockBusyError, type LockBusyDetails, type LockBusyReason } from './lock-busy.error.js';
export { LockLostError, type LockLostReason } from './lock-lost.error.js';
export { LockAbortedError } from './lock-aborted.error.js';
export { LockUnavailableError, type LockUnavailableDetails } from './lock-unavailable.error.js';
export { LockNameError } from './lock-name.error.js';
export { LockConfigError } from './lock-config.error.js';
export { LockShutdownError } from './lock-shutdown.error.js';
export { quoteName } from './quote-name.js';
