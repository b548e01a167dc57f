// Waits for a fair lock, says when it has it, and keeps it until the process is killed.
import { connectLockService } from 'nestjs-redis-lock';

const [options, name] = process.argv.slice(2);
const locks = await connectLockService(JSON.parse(options));
await locks.acquire(name, { mode: 'fair', wait: Infinity });
console.log(JSON.stringify({ type: 'held' }));
