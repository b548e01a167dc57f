// What `npm test` runs, in about three minutes on two cores. `npm run test:all` runs every file.
//
// The rule: for each row of the index in test/README.md the files here are enough to test the promise on a real Redis, by the
// file that takes the shortest time. A hazard that is tested on several topologies is here on one of them. Nothing here starts
// a whole shop or needs a browser, a compiler or openssl. test/readme/index.spec.ts checks that no row is without a file.

/** Folders of test/ that belong here as a whole: their files are fast. */
export const quickFolders = ['coordination', 'nest', 'readme', 'testing', 'unit'];

export const quickFiles = [
  'conformance/cluster',
  'conformance/memory',
  'conformance/quorum',
  'conformance/redis',
  'conformance/redisson-layout',
  'conformance/sentinel',
  'hazards/blocked-event-loop',
  'hazards/clock-jump',
  'hazards/cluster',
  'hazards/eviction-warning',
  'hazards/failover',
  'hazards/fair',
  'hazards/foreign-context',
  'hazards/hold-at-least',
  'hazards/killed-holder',
  'hazards/lost-reply',
  'hazards/many-waiters',
  'hazards/min-replicas',
  'hazards/no-rights',
  'hazards/paused-holder',
  'hazards/redis-down',
  'hazards/redis-restart',
  'hazards/semaphore',
  'hazards/silent-subscriber',
  'hazards/subscriber-down',
  'hazards/token-grows',
  'hazards/warnings',
  'hazards/quorum/far-nodes',
  'hazards/quorum/node-checks',
  'hazards/quorum/restart-guard',
  'hazards/quorum/votes',
];
