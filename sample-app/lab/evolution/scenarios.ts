/** What is done to each system, and what it is called. */
export const scenarios = {
  calm: {
    title: 'nothing goes wrong',
    story: 'Four callers read an empty cache at once. Nothing crashes and nothing is slow.',
  },
  crash: {
    title: 'crash while working',
    story: 'The holder is killed (kill -9) in the middle of its work. Another caller comes.',
  },
  'crash-taking': {
    title: 'crash while taking',
    story: 'A caller is killed right after its first command reached Redis. Another caller comes.',
  },
  'slow-rebuild': {
    title: 'rebuild slower than expiry',
    story: 'A rebuilds for longer than its lock lasts. B comes. A ends and releases while B works. Then C comes.',
  },
  'late-delete': {
    title: 'expiry before the delete',
    story: 'The delete of A is in transit. The lock expires and B takes it. Then the delete arrives.',
  },
  'long-work': {
    title: 'work longer than expiry',
    story: 'A works for several times the length of its lock. B waits.',
  },
  'plain-set': {
    title: 'two take over at once',
    story:
      'The holder died, and its timestamp has passed. B and C both see that, and both write before either reads again.',
  },
  'partial-write': {
    title: 'partial multi-write',
    story: 'Three nodes. A can reach only the first, B only the other two.',
  },
  failover: {
    title: 'failover',
    story:
      'A takes the lock; one of two replicas does not have it yet. The master dies and that replica is promoted. B comes.',
  },
  'stale-write': {
    title: 'stopped past the lease',
    story:
      'The holder is stopped (SIGSTOP) past its lease. B takes the lock and writes. The holder continues and writes, too.',
  },
} as const;

export type ScenarioName = keyof typeof scenarios;

export function isScenarioName(name: string): name is ScenarioName {
  return Object.hasOwn(scenarios, name);
}
