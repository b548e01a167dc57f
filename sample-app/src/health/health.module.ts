import { Logger, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { Leaving } from './leaving.js';

@Module({
  imports: [TerminusModule.forRoot({ errorLogStyle: 'json', logger: Logger })],
  controllers: [HealthController],
  providers: [Leaving],
})
export class HealthModule {}
