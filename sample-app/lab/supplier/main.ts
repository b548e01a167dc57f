import { createServer } from 'node:http';
import { whole } from '../../shop/config/config.js';
import { OfferRequests } from './offer-requests.js';

/**
 * A supplier with random prices: `GET /offers/oak-table`, after `SUPPLIER_MS`. It also tells how many requests were under way
 * at once, at `GET /statistics`. `HOST`, `PORT`: where it listens, by default on a free port of 127.0.0.1.
 */
const { env } = process;
const offers = new OfferRequests(whole(env, 'SUPPLIER_MS', 200, 0, 60_000));
const server = createServer((request, response) => {
  const [, sku] = /^\/offers\/([a-z0-9-]{1,40})$/.exec(request.url ?? '') ?? [];
  if (sku !== undefined) offers.answer(sku, response);
  else if (request.url === '/statistics') {
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(offers.statistics));
  } else {
    response.statusCode = 404;
    response.end();
  }
});
// Clients keep their connections: it must not close one that a client is about to use.
server.keepAliveTimeout = 65_000;
const host = env.HOST ?? '127.0.0.1';
server.listen({ host, port: whole(env, 'PORT', 0, 0, 65_535) }, () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  console.log(`supplier listens on ${url}`);
  // For a launcher.
  process.send?.({ listening: url });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
