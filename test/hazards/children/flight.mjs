// A replica with single flight. It reads values when told to, and says what it got.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connectLockService, SingleFlightCache } from 'nestjs-redis-lock';

const [url, aheadMs = '0'] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
process.on('unhandledRejection', (error) => say({ type: 'stray', error: String(error) }));

// A clock that is wrong.
const { now } = Date;
Date.now = () => now() + Number(aheadMs);

const locks = await connectLockService({ url, lease: 1_000, wait: 30_000 });
const client = new Redis(url);
client.on('error', () => undefined);
const cache = {
  get: async (key) => JSON.parse((await client.get(key)) ?? 'null'),
  set: (key, value, ttl) => client.set(key, JSON.stringify(value), 'PX', ttl),
};
const flight = new SingleFlightCache(locks, cache, { ttl: 60_000 });
say({ type: 'ready' });

async function read({ key, computeMs, id, callers = 1 }) {
  const compute = async () => {
    say({ type: 'computing', id });
    await sleep(computeMs);
    return id;
  };
  const values = await Promise.all(Array.from({ length: callers }, () => flight.get(key, compute)));
  say({ type: 'value', values: [...new Set(values)] });
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line);
  if (message.type === 'read') read(message).catch((error) => say({ type: 'failed', code: error.code }));
  if (message.type === 'close') {
    await locks.close();
    client.disconnect();
    say({ type: 'closed' });
  }
}
