import { CONNECTIONS } from '../options/connection-checks.js';
import { resolveSettings, type LockServiceOptions, type LockSettings } from '../options/service-options.js';
import { MemoryState } from '../stores/memory/memory-state.js';
import { TestLockService } from './test-lock-service.js';

/**
 * Creates a lock service for tests, with locks in this process's memory. Each has locks of its own.
 *
 * @throws LockConfigError if a setting cannot be used
 * @publicApi
 */
export function createTestLockService(settings: LockSettings = {}): TestLockService {
  return new TestLockService({ state: new MemoryState() }, resolveSettings({ ...settings, memory: true }));
}

/**
 * @internal Creates the service that stands in for one with these options. What a quorum does not support, it does not support
 * either.
 */
export function testLockServiceFor(options: LockServiceOptions): TestLockService {
  const settings = { ...options } as Record<string, unknown>;
  const { quorum, memory } = settings;
  for (const connection of CONNECTIONS) Reflect.deleteProperty(settings, connection);
  const state = memory instanceof MemoryState ? memory : new MemoryState();
  if (quorum === undefined) return new TestLockService({ state }, resolveSettings({ ...settings, memory: state }));
  const resolved = resolveSettings({ ...settings, quorum } as LockServiceOptions);
  const maxLeaseMs = resolved.restartGuard === 0 ? undefined : resolved.restartGuard;
  return new TestLockService({ state, overrides: { ...ONLY_EXCLUSIVE, maxLeaseMs } }, resolved);
}

const ONLY_EXCLUSIVE = {
  fair: undefined,
  readWrite: undefined,
  semaphores: undefined,
  latches: undefined,
  firings: undefined,
};
