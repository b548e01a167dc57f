import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { connectLockService } from 'nestjs-redis-lock';
import { describeWithRedisServer } from '../support/redis-server.js';
import { SentinelSet } from '../support/sentinel-set.js';
import { EXCLUSIVE, SEMAPHORE_OF_ONE } from '../support/subjects.js';
import { uniqueName } from '../support/test-redis.js';
import { untilIdle } from '../support/until-idle.js';
import { Witness } from '../support/witness.js';

const FAILOVERS = 10;
const REPLICAS = 2;

describeWithRedisServer('with minReplicas covering all replicas', () => {
  it('no second caller gets a held lock in ten failovers, requested ones and after a killed master', async () => {
    await using set = await SentinelSet.start({ replicas: REPLICAS });
    const open = () =>
      connectLockService({
        redis: { sentinels: set.sentinels, name: set.name },
        minReplicas: REPLICAS,
        lease: 3_000,
        wait: Infinity,
      });
    await using one = await open();
    await using two = await open();
    const watched = [EXCLUSIVE, EXCLUSIVE, EXCLUSIVE, SEMAPHORE_OF_ONE, SEMAPHORE_OF_ONE].map((subject) => ({
      subject,
      name: uniqueName('acked'),
      witness: new Witness(),
    }));
    let stop = false;
    // Replicas are in sync only when nothing is written for a moment.
    let resting = false;
    const untilReady = async (): Promise<void> => {
      resting = true;
      await set.untilReady();
      resting = false;
    };
    const callers = [one, two, one, two].flatMap((locks) =>
      watched.map(async ({ subject, name, witness }) => {
        const { withLock } = subject.of(locks);
        while (!stop) {
          if (resting) await sleep(10);
          else await withLock(name, ({ token }) => witness.watch(token, () => sleep(20)));
        }
      }),
    );
    for (let round = 0; round < FAILOVERS; round += 1) {
      await untilReady();
      await sleep(300);
      if (round % 2 === 0) {
        await set.failover();
        continue;
      }
      const old = await set.master();
      await old.kill();
      await set.untilNewMaster(old);
      await set.bringBack(old);
    }
    await untilReady();
    await sleep(500);
    stop = true;
    await Promise.all(callers);
    for (const { witness } of watched) {
      expect(witness.most).toBe(1);
      expect(witness.tokensGrew).toBe(true);
      expect(witness.tokens.length).toBeGreaterThan(FAILOVERS);
    }
    await untilIdle(one, two);
  }, 240_000);
});
