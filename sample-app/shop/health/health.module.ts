import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { Leaving } from './leaving.js';
import { ReadinessLog } from './readiness-log.js';

@Module({
  // Its own log would have a line for each check that fails, several a second: see `ReadinessLog`.
  imports: [TerminusModule.forRoot({ logger: false })],
  controllers: [HealthController],
  providers: [Leaving, ReadinessLog],
})
export class HealthModule {}
