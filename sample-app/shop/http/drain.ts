import type { Server } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

const everyMs = 100;

/**
 * Lets the process end as soon as the last request is answered. Closing the server only closes the connections that
 * are idle at that moment; one that is busy would be kept alive after its answer, and the process with it.
 */
@Injectable()
export class Drain implements BeforeApplicationShutdown {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  beforeApplicationShutdown(): void {
    const server = this.adapterHost.httpAdapter.getHttpServer() as Server;
    setInterval(() => server.closeIdleConnections(), everyMs).unref();
  }
}
