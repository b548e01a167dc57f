import type { ServerResponse } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { EventStream } from './event-stream.js';
import { LiveFeed } from './live-feed.js';
import type { LiveStream } from './replica-report.js';

const beatMs = 500;
const mostStreams = 100;

/** The pages that are connected to this replica. */
@Injectable()
export class LiveStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly streams = new Set<EventStream>();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    private readonly feed: LiveFeed,
  ) {}

  onApplicationBootstrap(): void {
    this.feed.listen((report) => {
      for (const stream of this.streams) stream.send('report', report);
    });
    this.timer = setInterval(() => this.beatAll(), beatMs);
  }

  /** Before the server waits for its running requests: a stream would never end by itself. */
  beforeApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.timer);
    for (const stream of this.streams) stream.end();
  }

  /** @returns false if there are too many, or the replica is about to end */
  open(response: ServerResponse): boolean {
    if (this.closed || this.streams.size >= mostStreams) return false;
    const stream = new EventStream(response);
    this.streams.add(stream);
    stream.onClose(() => this.streams.delete(stream));
    this.beat(stream);
    return true;
  }

  private beatAll(): void {
    for (const stream of this.streams) this.beat(stream);
  }

  private beat(stream: EventStream): void {
    const beat: LiveStream['beat'] = {
      replica: this.config.replica,
      at: Date.now(),
      redis: this.feed.state(),
      dropped: stream.dropped,
    };
    stream.send('beat', JSON.stringify(beat));
  }
}
