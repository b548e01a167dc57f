import { Logger } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger as JsonLogger } from 'nestjs-pino';
import { SHOP_CONFIG } from './config.js';
import type { ShopConfig } from './config.js';
import { serveApiPage } from './openapi/api-page.js';

/** How many new connections may wait to be accepted: a stampede brings more at once than the usual 511. */
const backlog = 4_096;
/** Longer than a proxy in front keeps an idle connection, so that it never sends a request into one we are closing. */
const keepAliveMs = 65_000;

/** Runs the shop until SIGTERM or Ctrl-C. */
export async function serve(root: Type | DynamicModule): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(root, { abortOnError: false, bufferLogs: true });
  app.useLogger(app.get(JsonLogger));
  // It would hash every answer: for a large catalog that costs more than all the rest of the request.
  app.disable('etag');
  const { host, port, replica } = app.get<ShopConfig>(SHOP_CONFIG);
  // SIGTERM and Ctrl-C: no new requests, the running ones are answered, then the connections are closed.
  app.enableShutdownHooks();
  serveApiPage(app);
  await app.init();

  const server = app.getHttpServer();
  server.keepAliveTimeout = keepAliveMs;
  server.listen({ host, port, backlog }, () => {
    const address = server.address();
    const taken = typeof address === 'object' && address !== null ? address.port : port;
    // The launcher waits for this line and reads the port from it.
    new Logger('Shop').log(`${replica} listens on http://${host}:${String(taken)}`);
  });
  server.once('error', (error) => {
    new Logger('Shop').error(`${replica} cannot listen on ${host}:${String(port)}: ${error.message}`);
    process.exitCode = 1;
    void app.close();
  });
}
