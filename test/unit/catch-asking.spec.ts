import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { catchAsking } from '../../lib/stores/redis/cluster/catch-asking.js';

describe('catchAsking', () => {
  it('leaves no unhandled rejection when the connection closes before the reply', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    const node = new Redis({ lazyConnect: true, disconnectTimeout: 50 });
    try {
      catchAsking(node);
      // As ioredis does it: nobody looks at the promise.
      void node.asking();
      node.disconnect();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(unhandled).toEqual([]);
      await expect(node.asking()).rejects.toThrow();
    } finally {
      process.off('unhandledRejection', onUnhandled);
      node.disconnect();
    }
  });
});
