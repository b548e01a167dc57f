// One replica of a Nest app with a job: `job-replica.mjs SETTINGS`. It reports each run that begins and ends, and the skipped
// calls when it is told to close. Its own clock is `offsetMs` fast.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const settings = JSON.parse(process.argv[2]);
const { connection, name, cron, cronOptions, interval, options, jobMs, offsetMs = 0 } = settings;

// Before the scheduler is loaded, which reads the time from it.
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offsetMs] : args));
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

const { NestFactory } = await import('@nestjs/core');
const { Cron, Interval, ScheduleModule } = await import('@nestjs/schedule');
const { currentLease, lastRun, LockService, RedisLockModule, RunOnce } = await import('nestjs-redis-lock');

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
class Job {
  async run() {
    const lease = currentLease(name);
    const { firedAt, attempt } = await lastRun(app.get(LockService), name);
    const of = { token: lease.token, attempt, firedAt: firedAt.getTime() };
    say({ type: 'begin', ...of });
    await sleep(jobMs);
    say({ type: 'end', ...of, lost: lease.signal.aborted });
  }
}

/** Applies decorators as the compiler does, the last one first. */
function decorate(...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Job.prototype, 'run');
  for (const decorator of decorators.reverse()) decorator(Job.prototype, 'run', descriptor);
  Object.defineProperty(Job.prototype, 'run', descriptor);
}

decorate(interval === undefined ? Cron(cron, cronOptions) : Interval(interval), RunOnce(name, options));

class AppModule {}
const app = await NestFactory.createApplicationContext(
  {
    module: AppModule,
    imports: [RedisLockModule.forRoot({ ...connection, lease: 2_000 }), ScheduleModule.forRoot()],
    providers: [Job],
  },
  { logger: ['error', 'warn'] },
);
process.on('SIGTERM', () => void app.close());
createInterface({ input: process.stdin }).on('line', async () => {
  const { skipped } = app.get(LockService).stats();
  await app.close();
  say({ type: 'closed', ...skipped });
  process.exit(0);
});
say({ type: 'ready' });
