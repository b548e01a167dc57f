import { Controller, Get, Inject, ServiceUnavailableException } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { REDIS } from '../cache/redis.js';
import { DATABASE } from '../database/database.js';
import type { Database } from '../database/database.js';

type Answer = 'up' | 'down';

const limitMs = 1_000;

/** Tells whether this replica can work: 200, or 503 with what is down. */
@Controller('health')
export class HealthController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  @Get()
  async check(): Promise<{ status: Answer; database: Answer; redis: Answer }> {
    const [database, redis] = await Promise.all([
      answers(this.database.execute(sql`select 1`)),
      answers(this.redis.ping()),
    ]);
    const status: Answer = database === 'up' && redis === 'up' ? 'up' : 'down';
    if (status === 'down') throw new ServiceUnavailableException({ status, database, redis });
    return { status, database, redis };
  }
}

/** A service that does not answer in time counts as down: ioredis, for one, waits for a lost server without end. */
async function answers(question: Promise<unknown>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve('down'), limitMs);
  });
  const answer = question.then(
    () => 'up' as const,
    () => 'down' as const,
  );
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}
