import { Module } from '@nestjs/common';
import type { MiddlewareConsumer, NestModule } from '@nestjs/common';
import { LiveController } from './live.controller.js';
import { LiveFeed } from './live-feed.js';
import { LivePublisher } from './live-publisher.js';
import { LiveRecorder } from './live-recorder.js';
import { LiveRequestsMiddleware } from './live-requests.middleware.js';
import { LiveStreams } from './live-streams.js';
import { ReportWriter } from './report-writer.js';

/** Shows what all replicas do, on a page that each of them can serve. */
@Module({
  controllers: [LiveController],
  providers: [LiveRecorder, ReportWriter, LivePublisher, LiveFeed, LiveStreams],
})
export class LiveModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(LiveRequestsMiddleware).forRoutes('{*path}');
  }
}
