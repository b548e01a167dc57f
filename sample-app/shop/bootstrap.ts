import { once } from 'node:events';
import { createServer } from 'node:net';
import { Logger } from '@nestjs/common';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Logger as JsonLogger } from 'nestjs-pino';
import { ConfigError, readConfig } from './config/config.js';
import type { ShopConfig } from './config/config.js';
import { serveApiPage } from './openapi/api-page.js';
import { announce } from './http/announce.js';

/** How many new connections may wait to be accepted: a stampede brings more at once than the usual 511. */
const backlog = 4_096;
/** Longer than a proxy in front keeps an idle connection, so that it never sends a request into one we are closing. */
const keepAliveMs = 65_000;

/**
 * Runs the shop until SIGTERM or Ctrl-C. An invalid configuration ends the process with one line and exit code 1,
 * before anything is started.
 *
 * @param importRoot imports the root module: decorators read some settings when their class is loaded
 */
export async function bootstrap(importRoot: () => Promise<Type | DynamicModule>): Promise<void> {
  try {
    const config = readConfig();
    await mustBeFree(config);
    await start(await importRoot(), config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

async function start(root: Type | DynamicModule, { host, port, replica }: ShopConfig): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(root, { abortOnError: false, bufferLogs: true });
  app.useLogger(app.get(JsonLogger));
  // It would hash every answer: for a large catalog that costs more than all the rest of the request.
  app.disable('etag');
  // SIGTERM and Ctrl-C: no new requests, the running ones are answered, then the connections are closed.
  app.enableShutdownHooks();
  serveApiPage(app);
  await app.init();

  const server = app.getHttpServer();
  announce(server);
  server.keepAliveTimeout = keepAliveMs;
  server.listen({ host, port, backlog }, () => {
    const address = server.address();
    const taken = typeof address === 'object' && address !== null ? address.port : port;
    new Logger('Shop').log(`${replica} listens on ${urlOf(host, taken)}`);
  });
  server.once('error', (error) => {
    new Logger('Shop').error(`${replica} cannot listen on ${urlOf(host, port)}: ${error.message}`);
    process.exitCode = 1;
    void app.close();
  });
}

/** Tries the address before the shop is built: a port in use would show only after databases were connected. */
async function mustBeFree({ host, port }: ShopConfig): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new ConfigError(`The shop cannot listen on ${urlOf(host, port)} (HOST, PORT): ${reasons[code] ?? code}.`);
  }
  server.close();
  await once(server, 'close');
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host name',
  EACCES: 'this user may not use that port',
};

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
