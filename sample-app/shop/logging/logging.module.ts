import { Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { SHOP_CONFIG } from '../config/config.js';
import { LockLog } from './lock-log.js';
import { logOptions } from './log-options.js';

@Module({
  imports: [LoggerModule.forRootAsync({ imports: [], providers: [], inject: [SHOP_CONFIG], useFactory: logOptions })],
  providers: [LockLog],
})
export class LoggingModule {}
