export { instrumentLocks, type LockInstrumentationOptions } from './instrument-locks.js';
