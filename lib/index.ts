export {
  RedisLockModule,
  type RedisLockModuleAsyncOptions,
  type RedisLockModuleOptions,
  type RedisLockOptionsFactory,
} from './redis-lock.module.js';
export { WithLock, type WithLockOptions } from './decorators/with-lock.js';
export { UseLock, type UseLockOptions } from './decorators/use-lock.js';
export { InjectLockService } from './decorators/inject-lock-service.js';
export { LockExceptionFilter, type LockExceptionFilterOptions } from './decorators/lock-exception.filter.js';
export type { LockNameSource } from './decorators/name-source.js';
export type { OnBusy } from './decorators/decorator-options.js';
export type { NumberOption } from './decorators/instance-options.js';
export { getLockServiceToken } from './tokens.js';
export { createLockService, connectLockService } from './create-lock-service.js';
export { LockService, type LockStats } from './lock.service.js';
export { Semaphore, type SemaphoreState } from './semaphore.js';
export type { PermitOptions, SemaphoreOptions } from './options/semaphore-options.js';
export { WithPermit, type WithPermitOptions } from './decorators/with-permit.js';
export { lastRun, runOnce, type LastRun, type RunOnceResult, type RunOnceSkip } from './coordination/run-once.js';
export { RunOnce, type RunOnceMethodDecorator, type RunOnceMethodOptions } from './coordination/run-once.decorator.js';
export { LeaderElection, type Leader } from './coordination/leader-election.js';
export {
  WhileLeader,
  type WhileLeaderMethodDecorator,
  type WhileLeaderOptions,
} from './coordination/while-leader.decorator.js';
export type { LeaderElectionOptions, LeadOptions } from './coordination/leader-election-options.js';
export type { RunOnceOptions } from './coordination/run-once-options.js';
export { SingleFlightCache } from './coordination/single-flight-cache.js';
export {
  SingleFlight,
  type SingleFlightMethodDecorator,
  type SingleFlightMethodOptions,
} from './coordination/single-flight.decorator.js';
export type { FlightCache, FlightCacheStore } from './coordination/shared-cache.js';
export type { SingleFlightCallOptions, SingleFlightOptions } from './coordination/single-flight-options.js';
export type { WarnAfter } from './options/warn-after.js';
export type { LockConnection, LockServiceOptions, LockSettings } from './options/service-options.js';
export type { NestedCall } from './leases/nested-call.js';
export type { AcquireOptions } from './options/acquire-options.js';
export { Latch } from './latch.js';
export type { LatchWaitOptions } from './options/latch-options.js';
export type { NamedLock } from './options/named-locks.js';
export type { LockHolder } from './lock-holder.js';
export type { FencingToken } from './fencing-token.js';
export { Lease } from './leases/lease.js';
export type { LeaseSummary } from './leases/lease-summary.js';
export { MultiLease } from './leases/multi-lease.js';
export { currentLease } from './leases/current-lease.js';
export type { LockMode, LockState, StoreNode, StoreNodeState } from './stores/lock-state.js';
export { MemoryState } from './stores/memory/memory-state.js';
export type { RedisClient } from './stores/redis/connection/redis-client.js';
export type { ReleaseOutcome } from './holds/release-outcome.js';
export type { LockLogger } from './telemetry/lock-logger.js';
export type { QueueLength } from './waiting/queue-length.js';
export { lockChannels } from './telemetry/channels.js';
export type {
  AbandonedMessage,
  AcquiredMessage,
  CallMessage,
  ElectedMessage,
  LostMessage,
  NotifiedLateMessage,
  MessageMode,
  RefusedMessage,
  ReleasedMessage,
  RenewalFailedMessage,
  RenewedLateMessage,
  RenewedMessage,
  SkippedMessage,
  SlowMessage,
  TermEndedMessage,
  TermEndReason,
  TermOverdueMessage,
} from './telemetry/messages.js';
export {
  LockAbortedError,
  LockBusyError,
  LockConfigError,
  LockError,
  LockLostError,
  LockNameError,
  LockShutdownError,
  LockUnavailableError,
  type LockBusyReason,
  type LockErrorCode,
  type LockLostReason,
} from './errors/index.js';
