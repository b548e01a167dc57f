import { once } from 'node:events';
import { createServer } from 'node:net';
import { whole } from '../../shop/config/config.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const loopback: Readonly<Record<string, string>> = { '127.0.0.1': '127.0.0.1', localhost: '127.0.0.1', '::1': '::1' };

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use: choose another PORT, or none for a free one',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not use that port',
};

/**
 * Where `npm start` listens, from `HOST` and `PORT`, tried before anything is started.
 *
 * @throws Error
 */
export async function listenAddress(env: NodeJS.ProcessEnv = process.env): Promise<ListenAddress> {
  const given = env.HOST ?? '';
  const host = given === '' ? '127.0.0.1' : loopback[given];
  // Every visitor of the page can kill the replicas.
  if (host === undefined)
    throw new Error('HOST must be 127.0.0.1, ::1 or localhost: npm start is for this machine only.');
  const port = whole(env, 'PORT', 0, 0, 65_535);
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new Error(`npm start cannot listen on port ${String(port)} of ${host}: ${reasons[code] ?? code}.`, {
      cause: error,
    });
  }
  server.close();
  await once(server, 'close');
  return { host, port };
}
