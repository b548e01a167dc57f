import { createServer } from 'node:net';
import { freePort } from '../../sample-app/services/ports.js';

/** The cluster bus listens on the node's port plus this. */
const BUS = 10_000;
const LARGEST = 55_000;

/** A free port whose neighbour for the cluster bus is free too. */
export async function freeClusterPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = await freePort();
    if (port <= LARGEST && (await isFree(port + BUS))) return port;
  }
  throw new Error('No pair of ports for a cluster node is free.');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
