import { createServer } from 'node:http';
import { Forwarder } from './forwarder.js';
import { Targets } from './targets.js';

/**
 * A round-robin proxy in front of the replicas. `TARGETS`: their URLs with commas between them. `CONTROLS`: the URL
 * that gets all below `/controls`; without it there is nothing there. `HOST`, `PORT`: where it listens, by default on
 * a free port of 127.0.0.1.
 */
const urls = (process.env.TARGETS ?? '').split(',').filter((target) => URL.canParse(target));
if (urls.length === 0) throw new Error('TARGETS must be a list of URLs: http://127.0.0.1:3001,http://127.0.0.1:3002');

const targets = new Targets(urls);
const forwarder = new Forwarder(targets, process.env.CONTROLS);
const server = createServer((request, response) => void forwarder.forward(request, response));
// Readers keep their connections between two rounds of a load test.
server.keepAliveTimeout = 65_000;
const host = process.env.HOST ?? '127.0.0.1';
server.listen({ host, port: Number(process.env.PORT ?? '0'), backlog: 4_096 }, () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  console.log(`proxy listens on ${url}`);
  // For a launcher.
  process.send?.({ listening: url });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => {
      targets.stop();
      forwarder.close();
    });
    forwarder.endStreams();
    // A connection that is busy now would be kept alive after its answer.
    setInterval(() => server.closeIdleConnections(), 100).unref();
  });
}
