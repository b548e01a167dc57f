import { Agent, createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createProxyServer } from 'httpxy';

/**
 * A round-robin proxy in front of the replicas. `TARGETS`: their URLs with commas between them. `PORT`: where it
 * listens on 127.0.0.1; 0 or nothing takes a free port.
 */
const targets = (process.env.TARGETS ?? '').split(',').filter((target) => URL.canParse(target));
if (targets.length === 0)
  throw new Error('TARGETS must be a list of URLs: http://127.0.0.1:3001,http://127.0.0.1:3002');

const agent = new Agent({ keepAlive: true, maxFreeSockets: 4_096 });
const proxy = createProxyServer({ agent, xfwd: true });
let turn = 0;

async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Each request goes once around, whatever others do meanwhile: it must not meet the same dead replica again.
  const first = turn++;
  for (let tried = 1; ; tried += 1) {
    const target = targets[(first + tried) % targets.length] ?? '';
    try {
      await proxy.web(request, response, { target });
      return;
    } catch {
      // A replica that died: a read can be asked again elsewhere, a change might be made twice.
      const again = request.method === 'GET' && !response.headersSent && tried < targets.length;
      if (again) continue;
      if (!response.headersSent) response.writeHead(502, { 'Content-Type': 'application/json' });
      response.end('{"message":"No replica answered."}');
      return;
    }
  }
}

const server = createServer((request, response) => void forward(request, response));
// Readers keep their connections between two rounds of a load test.
server.keepAliveTimeout = 65_000;
// The launcher waits for this line and reads the port from it.
server.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? '0'), backlog: 4_096 }, () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  console.log(`proxy listens on http://127.0.0.1:${String(port)}`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => agent.destroy());
    // A connection that is busy now would be kept alive after its answer.
    setInterval(() => server.closeIdleConnections(), 100).unref();
  });
}
