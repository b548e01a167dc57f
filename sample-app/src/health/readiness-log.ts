import { Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { HealthCheckResult } from '@nestjs/terminus';

/** Writes a line to the log when the process stops being ready, and when it is ready again. */
@Injectable()
export class ReadinessLog {
  private readonly logger = new Logger('Readiness');
  private down = '';

  async watch(check: Promise<HealthCheckResult>): Promise<HealthCheckResult> {
    try {
      const result = await check;
      this.tell('');
      return result;
    } catch (error) {
      this.tell(partsDown(error));
      throw error;
    }
  }

  private tell(down: string): void {
    if (down === this.down) return;
    this.down = down;
    if (down === '') this.logger.log('ready again');
    else this.logger.warn(`not ready: ${down}`);
  }
}

/** `database timed out, redis is down` */
function partsDown(error: unknown): string {
  if (!(error instanceof ServiceUnavailableException)) return String(error);
  const { error: parts = {} } = error.getResponse() as Partial<HealthCheckResult>;
  const told = Object.entries(parts).map(([name, part]) => {
    const message: unknown = part?.message;
    return `${name} ${typeof message === 'string' ? message : 'is down'}`;
  });
  return told.join(', ');
}
