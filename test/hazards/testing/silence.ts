import { beforeEach, describe, expect, it } from '@jest/globals';
import { type LockServiceOptions } from 'nestjs-redis-lock';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { EXCLUSIVE } from '../../support/subjects.js';
import { uniqueName } from '../../support/test-redis.js';
import { untilIdle } from '../../support/until-idle.js';
import { waitUntil } from '../../support/wait-until.js';

/** A place where the connections for notifications of a waiter go through proxies. */
export interface Place {
  /** Of the holder: without a proxy. */
  readonly direct: LockServiceOptions;
  readonly proxied: LockServiceOptions;
  readonly proxies: readonly TcpProxy[];
  /** How many of the servers have the channel of this name subscribed. */
  subscribed(name: string): Promise<number>;
  /** How many servers a waiter subscribes at. */
  readonly listensAt: number;
}

/** Far more than the test takes: nothing is served because a lease is over. */
export const LONG_MS = 600_000;
/** A connection is replaced about 2 s after its peer vanished; the rest is for a busy machine. */
const BOUND_MS = 15_000;

/** Of those on which this name was subscribed: start-up has subscribed once, on any node of a cluster. */
const vanishAll = (proxies: readonly TcpProxy[], name: string): number =>
  proxies.reduce((sum, proxy) => sum + proxy.vanish(new RegExp(`subscribe[^*]*${name}`, 'i')), 0);

export function describeSilence(where: string, placeOf: () => Place, subject = EXCLUSIVE): void {
  describe(where, () => {
    let name: string;
    beforeEach(() => {
      name = uniqueName('silent');
    });

    it('replaces a connection for notifications whose peer has disappeared, and a waiter is notified again', async () => {
      const { direct, proxied, proxies, subscribed, listensAt } = placeOf();
      await using holder = await subject.connect({ ...direct, lease: LONG_MS });
      await using locks = await subject.connect({ ...proxied, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const waiting = locks.acquire(name, { wait: Infinity });
      await waitUntil('the waiter is subscribed', async () => (await subscribed(name)) === listensAt);
      const opened = proxies.reduce((sum, proxy) => sum + proxy.opened, 0);
      expect(vanishAll(proxies, name)).toBe(listensAt);
      const since = performance.now();
      await waitUntil(
        'the connections are replaced',
        () => proxies.reduce((sum, proxy) => sum + proxy.opened, 0) >= opened + listensAt,
      );
      expect(performance.now() - since).toBeLessThan(BOUND_MS);
      await waitUntil('the waiter is subscribed again', async () => (await subscribed(name)) >= listensAt);
      await lease.release();
      await (await waiting).release();
      await untilIdle(holder, locks);
    });

    it('closes such a connection even if the waiter is rejected before the silence is detected', async () => {
      const { direct, proxied, proxies, subscribed, listensAt } = placeOf();
      await using holder = await subject.connect({ ...direct, lease: LONG_MS });
      await using locks = await subject.connect({ ...proxied, lease: LONG_MS });
      const lease = await holder.acquire(name);
      const abort = new AbortController();
      const waiting = locks.acquire(name, { wait: Infinity, signal: abort.signal }).catch(() => 'aborted');
      await waitUntil('the waiter is subscribed', async () => (await subscribed(name)) === listensAt);
      expect(vanishAll(proxies, name)).toBe(listensAt);
      abort.abort();
      expect(await waiting).toBe('aborted');
      // The request to unsubscribe is not answered. The proxy ends the subscription when the connection is closed.
      await waitUntil('the server has no subscription', async () => (await subscribed(name)) === 0, BOUND_MS);
      await lease.release();
      await untilIdle(holder, locks);
    });
  });
}
