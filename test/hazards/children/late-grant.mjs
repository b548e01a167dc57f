// Asks for a lock, and blocks its event loop for longer than the lease right after the request was sent.
import { connectLockService } from 'nestjs-redis-lock';

const [url, name] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));

const locks = await connectLockService({ url, lease: 300 });
const acquiring = locks.acquire(name, { wait: 0 });
// The request goes out at the end of this turn; what is set here runs right after it.
setImmediate(() => {
  const end = performance.now() + 500;
  while (performance.now() < end);
});
let outcome;
try {
  const lease = await acquiring;
  lease.assertHeld();
  outcome = 'got a valid lease';
  await lease.release();
} catch (error) {
  outcome = error.code;
}
say({ type: 'result', outcome });
while (Object.values(locks.stats()).some((count) => count > 0)) await new Promise((resolve) => setTimeout(resolve, 10));
const { held } = await locks.inspect(name);
say({ type: 'idle', held });
await locks.close();
process.stdin.destroy();
