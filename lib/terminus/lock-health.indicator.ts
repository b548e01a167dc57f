import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { LockService, LockStats } from '../lock.service.js';
import { checkWhole, MAX_MS } from '../options/checks.js';
import { RunningTimer } from '../time/running-timer.js';
import { getLockServiceToken } from '../tokens.js';

const TIMEOUT_MS = 1_000;
/** The lock whose state is read as a test. It is never taken. */
const PROBE = 'health';

/**
 * Options of one health check.
 *
 * @publicApi
 */
export interface LockHealthOptions {
  /** The `name` of the `RedisLockModule` to check. Default: the module that was registered without a name. */
  readonly connection?: string;
  /** How long a reply of Redis may take, in ms. Default 1 000. */
  readonly timeout?: number;
}

/**
 * Reports the state of locks to `@nestjs/terminus`. List it in the `providers` of the module that has the health
 * controller.
 *
 * - `up`: locks can be used.
 * - `degraded`: locks can be used, but renewals of held locks fail, a node of a quorum or a master of a cluster is not
 *   `ready`, or notifications do not arrive, so that waiters notice a release only after some seconds. The check
 *   does not fail. Terminus 11, which has no such status, gets `up` with `degraded: true`.
 * - `down`: Redis does not reply in time or refuses the request, or the service shuts down.
 *
 * @publicApi
 */
@Injectable()
export class LockHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  /**
   * Checks one lock service.
   *
   * @param key its name in the result
   * @throws LockConfigError if an option is not valid; Nest's error if there is no such module
   */
  async check<const Key extends string>(
    key: Key,
    options: LockHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { connection, timeout = TIMEOUT_MS } = options;
    const locks = this.moduleRef.get<LockService>(getLockServiceToken(connection), { strict: false });
    checkWhole('timeout', timeout, 1, MAX_MS);
    const session = this.indicators.check(key);
    if (locks.refusing.aborted) return session.down('the lock service is shutting down');
    try {
      await within(locks.inspect(PROBE), timeout);
    } catch (error) {
      return session.down({ message: messageOf(error), ...figuresOf(locks.stats()) });
    }
    const stats = locks.stats();
    const problems = problemsOf(stats);
    const figures = figuresOf(stats);
    if (problems.length === 0) return session.up(figures);
    const details = { message: problems.join('; '), ...figures };
    // Terminus 11 has no such status.
    const hasStatus = 'degraded' in (session as object);
    return hasStatus ? session.degraded(details) : session.up({ degraded: true, ...details });
  }
}

/** What impairs locks, though they can be used. */
function problemsOf({ failingRenewals, unnotified, nodes = [] }: LockStats): string[] {
  const away = nodes.filter(({ state }) => state !== 'ready');
  return [
    ...(failingRenewals > 0 ? [`held locks that could not be renewed: ${String(failingRenewals)}`] : []),
    ...(unnotified > 0 ? [`locks with waiters but without notifications: ${String(unnotified)}`] : []),
    ...away.map(({ name, state }) => `node ${name} is ${state}`),
  ];
}

function figuresOf({ held, waiting, failingRenewals, unnotified, nodes }: LockStats) {
  return { held, waiting, failingRenewals, unnotified, ...(nodes === undefined ? {} : { nodes }) };
}

/** @throws LockError, or an error after `timeoutMs` */
async function within(request: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: RunningTimer | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = new RunningTimer(timeoutMs, () => {
      reject(new Error(`no reply within ${String(timeoutMs)} ms`));
    });
  });
  try {
    await Promise.race([request, timeout]);
  } finally {
    timer?.stop();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
