import { Injectable, Logger, ServiceUnavailableException } from '@nestjs/common';
import type { HealthCheckResult } from '@nestjs/terminus';

/** Writes a line to the log when the process stops being ready, and when it is ready again. */
@Injectable()
export class ReadinessLog {
  private readonly logger = new Logger('Readiness');
  private down = '';
  private begun = 0;
  /** The latest check whose result is known. */
  private latest = 0;

  async watch(check: Promise<HealthCheckResult>): Promise<HealthCheckResult> {
    this.begun += 1;
    const number = this.begun;
    try {
      const result = await check;
      this.tell(number, '');
      return result;
    } catch (error) {
      this.tell(number, partsDown(error));
      throw error;
    }
  }

  /** The result of a slow check is ignored if a later one has finished. */
  private tell(number: number, down: string): void {
    if (number < this.latest) return;
    this.latest = number;
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
