// Takes a lock by a URL alone: whether the server is trusted is left to NODE_EXTRA_CA_CERTS.
import { connectLockService } from 'nestjs-redis-lock';

const [url, name] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
try {
  const locks = await connectLockService({ url, startupTimeout: 3_000 });
  await locks.withLock(name, ({ token }) => say({ type: 'held', token }));
  await locks.close();
} catch (error) {
  say({ type: 'refused', code: error.code, message: error.message });
}
