import { connectLockService } from 'nestjs-redis-lock';
import { readConfig } from './config/config.js';
import { openDatabase } from './database/database.js';
import { lowerFences } from './orders/lower-fences.js';

// For operators: see "When every order is refused as stale" in the README.
const { databaseUrl, redisUrl, redisPrefix, lockLeaseMs } = readConfig();
const { database, close } = openDatabase(databaseUrl, 1, 'lower-fences');
await using locks = await connectLockService({
  url: redisUrl,
  keyPrefix: `${redisPrefix}lock:`,
  lease: lockLeaseMs,
});
try {
  const lowered = await lowerFences(database, locks);
  for (const { table, sku, from, to } of lowered) console.log(`${table} ${sku}: ${String(from)} -> ${String(to)}`);
  console.log(`${String(lowered.length)} fencing tokens were ahead.`);
} finally {
  await close();
}
