import type { Redis } from 'ioredis';
import { noticeChannel } from './lock-keys.js';
import { waitUntil } from './wait-until.js';

/** How many connections are subscribed to the notifications of `name` on a server, by a sharded channel or another. */
export async function subscribersOf(admin: Redis, name: string, channelOf = noticeChannel): Promise<number> {
  const channel = channelOf(name);
  const counts = await Promise.all([
    admin.call('pubsub', 'numsub', channel),
    // Before Redis 7 there are no sharded channels.
    admin.call('pubsub', 'shardnumsub', channel).catch(() => [channel, 0]),
  ]);
  return counts.reduce<number>((sum, reply) => sum + (reply as [string, number])[1], 0);
}

/** Waits until at least `count` connections are subscribed on these servers together. */
export async function untilSubscribed(
  admins: Redis | readonly Redis[],
  name: string,
  count = 1,
  channelOf = noticeChannel,
): Promise<void> {
  await waitUntil('the waiters are subscribed', async () => {
    const counts = await Promise.all([admins].flat().map((admin) => subscribersOf(admin, name, channelOf)));
    return counts.reduce((sum, each) => sum + each, 0) >= count;
  });
}
