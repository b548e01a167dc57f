import { Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { SHOP_CONFIG } from '../config/config.js';
import { ActivityLog } from './activity-log.js';
import { logOptions } from './log-options.js';

@Module({
  imports: [LoggerModule.forRootAsync({ imports: [], providers: [], inject: [SHOP_CONFIG], useFactory: logOptions })],
  providers: [ActivityLog],
})
export class LoggingModule {}
