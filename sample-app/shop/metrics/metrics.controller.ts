import { Controller, Get, Header } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import { LockService } from 'nestjs-redis-lock';
import { collectLockMetrics } from 'nestjs-redis-lock/prometheus';
import { Registry } from 'prom-client';

/** For Prometheus, which scrapes each replica: how long callers wait for locks, hold them, and what goes wrong. */
@ApiTags('Health')
@Controller('metrics')
export class MetricsController implements OnApplicationShutdown {
  private readonly register = new Registry();
  private readonly stop: () => void;

  constructor(locks: LockService) {
    this.stop = collectLockMetrics(locks, { register: this.register });
  }

  @Get()
  @ApiOperation({ summary: 'The metrics of locks, for Prometheus' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('Cache-Control', 'no-store')
  read(): Promise<string> {
    return this.register.metrics();
  }

  onApplicationShutdown(): void {
    this.stop();
  }
}
