import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { NotificationEvents, NotificationLink } from '../../lib/stores/redis/notifications/notification-link.js';
import { NotificationSubscriber } from '../../lib/stores/redis/notifications/notification-subscriber.js';

/** A link on which everything works at once. */
class ReadyLink implements NotificationLink {
  readonly channels = new Set<string>();
  events!: NotificationEvents;

  start(events: NotificationEvents): void {
    this.events = events;
  }

  subscribe(channel: string): Promise<void> {
    this.channels.add(channel);
    return Promise.resolve();
  }

  unsubscribe(channel: string): void {
    this.channels.delete(channel);
  }

  reconnect(): void {
    return;
  }

  close(): void {
    this.channels.clear();
  }
}

describe('a channel without listeners', () => {
  let link: ReadyLink;
  let subscriber: NotificationSubscriber;
  beforeEach(() => {
    jest.useFakeTimers();
    link = new ReadyLink();
    subscriber = new NotificationSubscriber(link);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Listens, and leaves again. */
  async function visit(channel: string): Promise<void> {
    const subscription = subscriber.listen(channel, () => undefined);
    await subscription.activate();
    subscription.close();
  }

  it('stays subscribed for a while', async () => {
    await visit('a');
    jest.advanceTimersByTime(999);
    expect([...link.channels]).toEqual(['a']);
    jest.advanceTimersByTime(2);
    expect([...link.channels]).toEqual([]);
    expect(subscriber.idle).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('stays subscribed while it has a listener again, and then for another while', async () => {
    await visit('a');
    jest.advanceTimersByTime(600);
    const subscription = subscriber.listen('a', () => undefined);
    jest.advanceTimersByTime(5_000);
    expect([...link.channels]).toEqual(['a']);
    subscription.close();
    jest.advanceTimersByTime(999);
    expect([...link.channels]).toEqual(['a']);
    jest.advanceTimersByTime(252);
    expect([...link.channels]).toEqual([]);
  });

  it.each(['confirmed', 'given up, and carried out'])(
    'is unsubscribed although its subscription was %s only after a new listener was added and removed',
    async (outcome) => {
      let add: (failure?: Error) => void = () => undefined;
      const sent = new Promise<void>((resolve, reject) => {
        add = (failure) => {
          if (failure === undefined) resolve();
          else reject(failure);
        };
      });
      const subscribe = jest.spyOn(link, 'subscribe').mockReturnValueOnce(sent);
      const first = subscriber.listen('a', () => undefined);
      const activated = first.activate().catch(() => undefined);
      first.close();
      jest.advanceTimersByTime(1_001);
      // The connection had to be made first.
      link.channels.add('a');
      const second = subscriber.listen('a', () => undefined);
      add(outcome === 'confirmed' ? undefined : new Error('no answer'));
      await activated;
      second.close();
      jest.advanceTimersByTime(1_252);
      expect(subscribe).toHaveBeenCalledTimes(1);
      expect([...link.channels]).toEqual([]);
    },
  );

  it('shares one timer with all other channels', async () => {
    for (const channel of ['a', 'b', 'c']) {
      await visit(channel);
      jest.advanceTimersByTime(300);
      expect(jest.getTimerCount()).toBe(1);
    }
    jest.advanceTimersByTime(101);
    expect([...link.channels]).toEqual(['b', 'c']);
    jest.advanceTimersByTime(2_000);
    expect([...link.channels]).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is closed with the subscriber', async () => {
    await visit('a');
    subscriber.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
