import { Global, Module } from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { CoordinationWatch } from './coordination-watch.js';
import { LiveController } from './live.controller.js';
import { LiveFeed } from './live-feed.js';
import { LivePublisher } from './live-publisher.js';
import { LiveRecorder } from './live-recorder.js';
import { LiveRequestsMiddleware } from './live-requests.middleware.js';
import { LiveStreams } from './live-streams.js';
import { LiveSubscriber } from './live-subscriber.js';
import { QuerySwitch } from './query-switch.js';
import { ReportWriter } from './report-writer.js';
import { SettingsClient } from './settings-client.js';
import { SupplierWatch } from './supplier-watch.js';

/** The live page, which every replica can serve, and the settings that can be changed at run time. */
@Global()
@Module({
  controllers: [LiveController],
  providers: [
    ...[LiveRecorder, ReportWriter, LivePublisher, LiveSubscriber, LiveFeed, LiveStreams],
    ...[SettingsClient, QuerySwitch, CoordinationWatch, SupplierWatch],
  ],
  exports: [LiveRecorder, QuerySwitch],
})
export class LiveModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(LiveRequestsMiddleware).forRoutes('{*path}');
  }
}
