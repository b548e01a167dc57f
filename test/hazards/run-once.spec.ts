import { expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { firingsOf, JobReplicas, type JobReplicaSettings, type JobRun } from '../support/job-replicas.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';

/** Cron expressions fire in seconds here. Lease: 2 s. */
describeWithRedisServer('a job of replicas in processes of their own', () => {
  // At the same time, since they mostly wait for the next firing: each has a server and replicas of its own.
  const situation = (
    title: string,
    happen: (use: (settings: Partial<JobReplicaSettings>) => JobReplicas, server: RedisServer) => Promise<void>,
  ): void => {
    it.concurrent(
      title,
      async () => {
        await using server = await RedisServer.start();
        const base = { connection: { url: server.url }, name: 'job', jobMs: 1 };
        let replicas: JobReplicas | undefined;
        try {
          await happen((settings) => (replicas = new JobReplicas({ ...base, ...settings })), server);
        } finally {
          await replicas?.[Symbol.asyncDispose]();
        }
      },
      180_000,
    );
  };

  /** Every firing has one run that ended, and no firing was left out, by clocks that are right on average. */
  const expectEachOnce = (runs: readonly JobRun[], everyMs: number): void => {
    const firings = firingsOf(runs);
    expect(firings.map((each) => each.map(({ end }) => end))).toEqual(firings.map(() => ['done']));
    const due = firings.map(([run]) => Math.round((run?.firedAt ?? NaN) / everyMs));
    expect(due).toEqual(due.map((_, index) => (due[0] ?? NaN) + index));
  };

  situation('runs once if their clocks are 2 s apart, with the default window, in any time zone', async (use) => {
    const replicas = use({ cron: '*/10 * * * * *' });
    await replicas.start({ offsetMs: -1_000, env: { TZ: 'Asia/Tokyo' } });
    await replicas.start({ env: { TZ: 'America/St_Johns' } });
    await replicas.start({ offsetMs: 1_000, env: { TZ: 'Europe/Berlin' } });
    const before = replicas.update().length;
    await replicas.until('three firings', (runs) => runs.length >= before + 3);
    // The last call of the last firing.
    await sleep(2_500);
    expectEachOnce(replicas.update().slice(before), 10_000);
  });

  situation('runs once if their clocks are 30 s apart, with a window of 60 s', async (use) => {
    // The first clock is 15 s ahead, and processes need some seconds to start on a busy machine.
    const due = new Date(Date.now() + 45_000);
    const [second, minute, hour] = [due.getUTCSeconds(), due.getUTCMinutes(), due.getUTCHours()];
    const replicas = use({
      cron: `${String(second)} ${String(minute)} ${String(hour)} * * *`,
      cronOptions: { timeZone: 'UTC' },
      options: { window: 60_000 },
    });
    await Promise.all([15_000, 0, -15_000].map((offsetMs) => replicas.start({ offsetMs })));
    await sleep(due.getTime() + 20_000 - Date.now());
    const skipped = await replicas.stopAll();
    expect(replicas.runs).toMatchObject([{ attempt: 1, end: 'done' }]);
    expect(skipped).toEqual({ ran: 2, running: 0 });
  });

  situation('keeps a run that lasts longer than the time between firings alone, and counts the others', async (use) => {
    const replicas = use({ cron: '*/2 * * * * *', jobMs: 5_000 });
    for (let i = 0; i < 3; i += 1) await replicas.start();
    await replicas.until('two runs ended', (runs) => runs.filter(({ end }) => end === 'done').length >= 2);
    expect(replicas.runs.filter(({ end }) => end === 'running').length).toBeLessThanOrEqual(1);
    const { running } = await replicas.stopAll();
    expect(running).toBeGreaterThanOrEqual(6);
    expect(replicas.runs.map(({ end }) => end)).toEqual(replicas.runs.map(() => 'done'));
    // By the clock of Redis a run begins after the end of the one before.
    const times = replicas.runs.map(({ firedAt }) => firedAt);
    for (const [index, time] of times.slice(1).entries()) expect(time - (times[index] ?? NaN)).toBeGreaterThan(4_900);
  });

  for (const { takeOver, ends } of [
    { takeOver: true, ends: ['died', 'done'] },
    { takeOver: false, ends: ['died'] },
  ]) {
    const title = `whose process is killed during its run is ${takeOver ? '' : 'not '}repeated with takeOver: ${String(takeOver)}`;
    situation(title, async (use) => {
      const replicas = use({ cron: '*/5 * * * * *', jobMs: 1_500, options: { takeOver } });
      for (let i = 0; i < 3; i += 1) await replicas.start();
      const running = (runs: readonly JobRun[]) => runs.find(({ end }) => end === 'running');
      await replicas.until('it runs', (runs) => running(runs) !== undefined);
      const victim = running(replicas.runs) as JobRun;
      await replicas.kill(victim.replica);
      await replicas.until('a later firing', (runs) =>
        runs.some(({ firedAt, end }) => firedAt > victim.firedAt && end === 'done'),
      );
      const firing = firingsOf(replicas.runs).find(([first]) => first?.firedAt === victim.firedAt);
      expect(firing?.map(({ end }) => end)).toEqual(ends);
      expect(firing?.map(({ attempt }) => attempt)).toEqual(ends.map((_, index) => index + 1));
    });
  }

  situation('whose process is killed after its run is not repeated', async (use) => {
    const replicas = use({ cron: '*/5 * * * * *', options: { takeOver: true } });
    for (let i = 0; i < 3; i += 1) await replicas.start();
    await replicas.until('it ran', (runs) => runs.some(({ end }) => end === 'done'));
    const first = replicas.runs[0] as JobRun;
    await sleep(100);
    await replicas.kill(first.replica);
    await replicas.until('the next firing', (runs) => runs.some(({ firedAt }) => firedAt > first.firedAt));
    expect(replicas.runs.filter(({ firedAt }) => firedAt === first.firedAt)).toEqual([{ ...first, end: 'done' }]);
  });

  situation('runs once if Redis was down when it fired, and came back a second later', async (use, server) => {
    const replicas = use({ cron: '*/10 * * * * *' });
    for (let i = 0; i < 3; i += 1) await replicas.start();
    const before = replicas.update().length;
    await sleep(10_000 - (Date.now() % 10_000) - 300);
    await server.kill();
    await sleep(1_300);
    await server.restart();
    await replicas.until('it runs', (runs) => runs.length > before);
    await sleep(2_000);
    expect(
      replicas
        .update()
        .slice(before)
        .map(({ end }) => end),
    ).toEqual(['done']);
  });

  situation('runs once at each firing while a deployment replaces all replicas', async (use) => {
    const replicas = use({ cron: '*/5 * * * * *', jobMs: 200 });
    for (let i = 0; i < 3; i += 1) await replicas.start();
    const before = replicas.update().length;
    for (const old of replicas.ids) {
      await replicas.start();
      await sleep(5_000 - (Date.now() % 5_000));
      await replicas.stop(old);
    }
    await sleep(1_000);
    expectEachOnce(replicas.update().slice(before), 5_000);
    expect(replicas.runs.length - before).toBeGreaterThanOrEqual(3);
  });

  situation(
    'with @Interval runs once in each interval, however many replicas start at different times',
    async (use) => {
      const replicas = use({ interval: 1_000 });
      for (let i = 0; i < 4; i += 1) {
        await replicas.start();
        await sleep(150);
      }
      await replicas.until('ten runs', (runs) => runs.length >= 10);
      const times = firingsOf(replicas.runs).map(([run]) => run?.firedAt ?? NaN);
      for (const [index, time] of times.slice(1).entries())
        expect(time - (times[index] ?? NaN)).toBeGreaterThanOrEqual(900);
    },
  );

  situation('runs once at each firing in the hour that daylight saving time repeats', async (use) => {
    const replicas = use({ cron: '*/5 * * * * *', cronOptions: { timeZone: 'Europe/Berlin' } });
    // 2027-10-31T01:00:00Z: the clocks in Berlin go from 3:00 back to 2:00.
    const change = Date.UTC(2027, 9, 31, 1);
    const now = Date.now();
    const offsetMs = Math.round((change - 15_000 - now) / 5_000) * 5_000;
    for (let i = 0; i < 3; i += 1) await replicas.start({ offsetMs: offsetMs + 300 * i });
    const before = replicas.update().length;
    await sleep(now + 30_000 - Date.now());
    expect(Date.now() + offsetMs).toBeGreaterThan(change);
    expectEachOnce(replicas.update().slice(before), 5_000);
  });
});

describeWithRedisServer('a job on servers with Sentinel', () => {
  it.each([{ takeOver: false }, { takeOver: true }])(
    'is not run twice by a failover during its run, and is taken over only if asked for: $takeOver',
    async ({ takeOver }) => {
      await using set = await SentinelSet.start({ replicas: 1 });
      await using replicas = new JobReplicas({
        connection: { redis: { sentinels: set.sentinels, name: set.name } },
        name: 'job',
        cron: '*/5 * * * * *',
        options: { takeOver },
        jobMs: 4_000,
      });
      for (let i = 0; i < 2; i += 1) await replicas.start();
      await replicas.until('it runs', (runs) => runs.some(({ end }) => end === 'running'));
      const run = replicas.runs.at(-1) as JobRun;
      const old = await set.master();
      // The record and the lock have reached the replica.
      await sleep(200);
      await old.kill();
      await set.untilNewMaster(old);
      await replicas.until('a later firing', (runs) =>
        runs.some(({ firedAt, end }) => firedAt > run.firedAt && end === 'done'),
      );
      const attempts = replicas.runs.filter(({ firedAt }) => firedAt === run.firedAt);
      // Only if the lease ended during the failover is there a second attempt.
      expect(attempts.length).toBeLessThanOrEqual(takeOver ? 2 : 1);
      if (attempts.length === 2) expect(attempts[0]?.end).toBe('lost');
    },
    120_000,
  );
});
