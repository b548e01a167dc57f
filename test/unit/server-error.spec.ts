import { describe, expect, it } from '@jest/globals';
import { isAboutMovingSlot } from '../../lib/stores/redis/connection/server-error.js';

describe('isAboutMovingSlot', () => {
  const tooMany = (last: string): string => `Too many Cluster redirections. Last error: ReplyError: ${last}`;
  const tryAgain = 'TRYAGAIN Multiple keys request during rehashing of slot';

  // While ioredis's Cluster repeats such a call, each node that it asks answers in its own way, and it reports the last answer.
  it.each([
    tryAgain,
    'ASK 744 10.0.0.1:6379',
    tooMany(tryAgain),
    tooMany('MOVED 744 10.0.0.1:6379'),
    tooMany('ASK 744 10.0.0.1:6379'),
  ])('is true of "%s"', (message) => {
    expect(isAboutMovingSlot(new Error(message))).toBe(true);
  });

  it.each(['MOVED 744 10.0.0.1:6379', tooMany('CLUSTERDOWN The cluster is down'), 'ERR TRYAGAIN'])(
    'is false of "%s"',
    (message) => {
      expect(isAboutMovingSlot(new Error(message))).toBe(false);
    },
  );
});
