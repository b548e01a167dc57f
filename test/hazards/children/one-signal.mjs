// A thousand wait with one signal. Node warns on stderr when it thinks that listeners are leaking.
import { connectLockService } from 'nestjs-redis-lock';

const [url, name] = process.argv.slice(2);
const holder = await connectLockService({ url });
const locks = await connectLockService({ url });
const lease = await holder.acquire(name);
const abort = new AbortController();
const waiting = Array.from({ length: 1_000 }, () => locks.acquire(name, { wait: Infinity, signal: abort.signal }));
setTimeout(() => abort.abort(), 100);
const outcomes = await Promise.allSettled(waiting);
const count = outcomes.filter(({ reason }) => reason?.code === 'LOCK_ABORTED').length;
console.log(JSON.stringify({ type: 'aborted', count }));
await lease.release();
await locks.close();
await holder.close();
process.stdin.destroy();
