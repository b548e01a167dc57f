// Breaks many TLS handshakes off that would fail: an error that nobody listens to would end this process.
import { connectLockService } from 'nestjs-redis-lock';

const [url] = process.argv.slice(2);
let refused = 0;
for (let round = 0; round < 12; round += 1) {
  const tries = Array.from({ length: 8 }, (_, index) =>
    connectLockService({ url, startupTimeout: 150 + index * 20 }).catch(() => (refused += 1)),
  );
  await Promise.all(tries);
}
console.log(JSON.stringify({ type: 'done', refused }));
