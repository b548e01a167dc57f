import { expect, it } from '@jest/globals';
import { Ballot } from '../../lib/stores/quorum/ballot.js';
import type { QuorumMember } from '../../lib/stores/quorum/quorum-member.js';

interface Asked {
  readonly promise: Promise<boolean>;
  readonly resolve: (reply: boolean) => void;
}

function withResolvers(): Asked {
  let resolve: Asked['resolve'] = () => undefined;
  const promise = new Promise<boolean>((done) => (resolve = done));
  return { promise, resolve };
}

const isTrue = (reply: boolean): boolean => reply;

it('a late rejection does not hide a vote that a later request may get', async () => {
  const ballot = new Ballot('n', 'o', 1_000);
  const member = {} as QuorumMember;
  const first = withResolvers();
  const second = withResolvers();
  void ballot.track(member, first.promise, isTrue);
  void ballot.track(member, second.promise, isTrue);
  first.resolve(false);
  await first.promise;
  await Promise.resolve();
  expect(ballot.voters).toEqual([member]);
  second.resolve(true);
  await ballot.settled(member);
  expect(ballot.voters).toEqual([member]);
});

it('a rejection of the only request leaves no vote to release', async () => {
  const ballot = new Ballot('n', 'o', 1_000);
  const member = {} as QuorumMember;
  await ballot.track(member, Promise.resolve(false), isTrue);
  await Promise.resolve();
  expect(ballot.voters).toEqual([]);
});
