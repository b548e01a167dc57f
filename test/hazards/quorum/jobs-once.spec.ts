import { afterEach, expect, it } from '@jest/globals';
import { machineClock } from '../../exploration/faults/history.js';
import { ChildScript } from '../../support/child-script.js';
import { QuorumNodes } from '../../support/quorum-nodes.js';
import { describeWithRedisServer } from '../../support/redis-server.js';
import { uniqueName } from '../../support/test-redis.js';

const PROCESSES = 4;
const SPACING_MS = 40;
/** Longer than the test, so that each lock stays with the process that got it first. */
const LEASE_MS = 110_000;
/** Longer than a node has for its reply. */
const SLOW_MS = 1_500;

type Harm = (nodes: QuorumNodes) => Promise<void> | void;

const killOne: Harm = (nodes) => nodes.servers[2]!.kill();
const stopOne: Harm = (nodes) => nodes.servers[2]!.freeze();
const slowOne: Harm = (nodes) => nodes.proxies[2]!.delayReplies(SLOW_MS);
const healthy: Harm = () => undefined;

describeWithRedisServer('four processes that try the same jobs with `wait: 0`', () => {
  let nodes: QuorumNodes;
  let children: ChildScript[] = [];

  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    for (const server of nodes.servers) server.thaw();
    await nodes.stop();
  });

  async function start(jobs: number): Promise<void> {
    const order = {
      ...{ nodes: nodes.urls, prefix: uniqueName('jobs'), jobs, spacingMs: SPACING_MS, leaseMs: LEASE_MS },
      options: { restartGuard: 0 },
    };
    children = Array.from({ length: PROCESSES }, () =>
      ChildScript.start('hazards/children/job-runner.mjs', [JSON.stringify(order)]),
    );
    await Promise.all(children.map((child) => child.next('ready')));
  }

  /** How many processes ran each job. */
  async function runsOf(jobs: number): Promise<number[]> {
    const at = machineClock() + 300;
    for (const child of children) child.send({ type: 'go', at });
    const done = await Promise.all(children.map((child) => child.next('done')));
    const won = done.flatMap((message) => message.won as number[]);
    const runs = Array.from({ length: jobs }, () => 0);
    for (const job of won) runs[job]! += 1;
    return runs;
  }

  it.each<[count: number, how: string, harm: Harm, jobs: number]>([
    [3, 'all of them up', healthy, 60],
    [3, 'one of them down', killOne, 200],
    [3, 'one of them silent', stopOne, 60],
    [3, 'one of them slow', slowOne, 60],
    [5, 'one of them down', killOne, 100],
  ])('run each job exactly once on %i nodes with %s', async (count, _how, harm, jobs) => {
    nodes = await QuorumNodes.start(count, { proxies: true });
    await start(jobs);
    await harm(nodes);
    const runs = await runsOf(jobs);
    const jobsRun = (times: number): number[] => runs.flatMap((each, job) => (each === times ? [job] : []));
    expect({ never: jobsRun(0), once: jobsRun(1).length }).toEqual({ never: [], once: jobs });
  });
});
