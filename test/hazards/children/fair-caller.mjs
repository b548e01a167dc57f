// Takes and releases a fair lock when it is told to, in a process whose wall clock may be wrong, or blocks its event loop.
import { createInterface } from 'node:readline';

const [url, name, clockOffsetMs = '0'] = process.argv.slice(2);
const now = Date.now;
Date.now = () => now() + Number(clockOffsetMs);
const { connectLockService } = await import('nestjs-redis-lock');
const say = (message) => console.log(JSON.stringify(message));

const locks = await connectLockService({ url });
let lease;
say({ type: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const { type, ms } = JSON.parse(line);
  if (type === 'acquire') {
    void locks.acquire(name, { mode: 'fair', wait: 60_000 }).then((granted) => {
      lease = granted;
      say({ type: 'held', token: lease.token });
    });
  } else if (type === 'release') {
    say({ type: 'released', outcome: await lease.release() });
  } else if (type === 'block') {
    say({ type: 'blocking' });
    const end = performance.now() + ms;
    while (performance.now() < end);
    say({ type: 'blocked' });
  }
}
