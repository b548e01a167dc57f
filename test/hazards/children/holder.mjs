// Takes a lock, a read-write lock to write, or the permit of a semaphore of 1, says so, tells when it is lost, and uses it when told to.
import { createInterface } from 'node:readline';
import { connectLockService } from 'nestjs-redis-lock';

const [url, name, leaseMs, holdAtLeast = '0', kind = 'exclusive'] = process.argv.slice(2);
const say = (message) => console.log(JSON.stringify(message));
const codeOf = (use) => {
  try {
    use();
    return 'held';
  } catch (error) {
    return error.code;
  }
};

const locks = await connectLockService({ url, lease: Number(leaseMs) });
const options = { holdAtLeast: Number(holdAtLeast) };
const lease =
  kind === 'semaphore'
    ? await locks.semaphore(name, { permits: 1 }).acquire(options)
    : await locks.acquire(name, { ...options, mode: kind });
lease.signal.addEventListener('abort', () => {
  const { code, reason } = lease.signal.reason;
  say({ type: 'lost', code, reason });
});
say({ type: 'held', token: lease.token });

for await (const line of createInterface({ input: process.stdin })) {
  const { type } = JSON.parse(line);
  if (type === 'use') {
    const assertHeld = codeOf(() => lease.assertHeld());
    const remaining = Math.round(lease.remaining());
    const extend = await lease.extend(1_000).then(
      () => 'extended',
      (error) => error.code,
    );
    say({ type: 'used', assertHeld, remaining, extend, release: await lease.release() });
  } else if (type === 'spin') {
    // Read before it is said: the pause may begin in the middle of saying it.
    let last = performance.now();
    say({ type: 'spinning' });
    // Blocks the event loop until the clock shows that the process stood still.
    // Not for ever: should the test die, nobody would stop it.
    const end = last + 60_000;
    for (let now = performance.now(); now - last < 400 && now < end; now = performance.now()) last = now;
    const assertHeld = codeOf(() => lease.assertHeld());
    say({ type: 'spun', assertHeld, remaining: lease.remaining(), aborted: lease.signal.aborted });
  }
}
