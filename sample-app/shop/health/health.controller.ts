import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import { HealthCheck, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { HealthCheckResult } from '@nestjs/terminus';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { LockService } from 'nestjs-redis-lock';
import { REDIS } from '../cache/redis.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';
import { HealthAnswer } from './health-answer.js';
import { Leaving } from './leaving.js';
import { ReadinessLog } from './readiness-log.js';

/**
 * A service that does not reply within this time counts as down, in ms. ioredis, for example, waits for a lost server.
 */
const limitMs = 1_000;

/** Reports whether this process is alive, and whether it is ready: 200, or 503 with the parts that are down. */
@ApiTags('Health')
@Controller('health')
export class HealthController {
  /** Checks that are still running. */
  private readonly asked = new Map<string, Promise<unknown>>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(REDIS) private readonly redis: Redis,
    private readonly locks: LockService,
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly leaving: Leaving,
    private readonly log: ReadinessLog,
  ) {}

  /**
   * For orchestrators that restart hanging processes. It does not check the database, which a restart would not repair.
   */
  @Get('live')
  @ApiOperation({ summary: 'Reports that the process is alive' })
  @ApiOkResponse({ schema: { type: 'object', properties: { status: { type: 'string', example: 'ok' } } } })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** For load balancers. */
  @Get(['ready', ''])
  @ApiOperation({ summary: 'Reports whether the process is ready, or which parts are down (503)' })
  @ApiOkResponse({ type: HealthAnswer })
  @ApiServiceUnavailableResponse({ type: HealthAnswer })
  @HealthCheck({ swaggerDocumentation: false })
  ready(): Promise<HealthCheckResult> {
    // At once: whether the services answer no longer matters then.
    if (this.leaving.begun) return this.log.watch(this.health.check([() => this.process()]));
    return this.log.watch(
      this.health.check([
        () => this.process(),
        // A statement without effect, which a read-only server rejects; the pool then replaces the connection.
        () => this.answers('database', () => this.database.execute(sql`update stock set stock = stock where false`)),
        () => this.answers('redis', () => this.redis.ping()),
        () => this.answers('locks', () => this.locks.inspect('health')),
      ]),
    );
  }

  private process() {
    const indicator = this.indicators.check('process');
    return this.leaving.begun ? indicator.down('is shutting down') : indicator.up();
  }

  private answers(name: string, question: () => Promise<unknown>) {
    const ask = async (): Promise<void> => {
      await this.askOnce(name, question);
    };
    return this.indicators.check(name).attempt(ask).withTimeout(limitMs);
  }

  /** While a service hangs, callers share one check, since each check takes a connection. */
  private askOnce(name: string, question: () => Promise<unknown>): Promise<unknown> {
    const known = this.asked.get(name);
    if (known !== undefined) return known;
    const asked = question().finally(() => this.asked.delete(name));
    this.asked.set(name, asked);
    return asked;
  }
}
