// Restarts all nodes of a quorum one after another, without persistence, and measures what is lost:
//   node --import ./test/support/register-ts.mjs test/exploration/faults/rolling/main.ts --nodes 3,5 --lease 3000 --intervals 0.5,1,1.5
// See README.md in the folder above. Run `npm run build` first.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ChildScript } from '../../../support/child-script.js';
import { QuorumNodes } from '../../../support/quorum-nodes.js';
import { startAgain } from '../runner/ways.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3,5' },
    /** ms; it is renewed every third of it. */
    lease: { type: 'string', default: '3000' },
    /** ms; by default the library's own. */
    guard: { type: 'string' },
    /** From one restart to the next, as multiples of the restart guard. */
    intervals: { type: 'string', default: '0.5,0.75,1,1.1,1.25,1.35,1.5,2' },
    /** How often each node is restarted. */
    turns: { type: 'string', default: '2' },
    /** How many intervals are measured at once. */
    beside: { type: 'string', default: '4' },
  },
});
const lease = Number(values.lease);
const restartGuard = Number(values.guard ?? lease + 1_000);
const KEPT = 6;
const PROCESSES = 2;
const DOWN_MS = 200;

interface Result {
  readonly lost: readonly { readonly name: string; readonly at: number }[];
  readonly failed: Readonly<Record<string, number>>;
  readonly sections: number;
  readonly longestMs: number;
}

async function measure(count: number, interval: number): Promise<string> {
  const nodes = await QuorumNodes.start(count);
  let children: ChildScript[] = [];
  try {
    const order = { nodes: nodes.urls, lease, restartGuard, pauseMs: 40, staggerMs: Math.round(lease / 3 / KEPT) };
    children = Array.from({ length: PROCESSES }, (_, process) => {
      const kept = Array.from({ length: KEPT }, (__, index) => `kept-${process}-${index}`);
      return ChildScript.start('exploration/faults/rolling/contender.mjs', [JSON.stringify({ ...order, kept })]);
    });
    await Promise.all(children.map((child) => child.next('ready')));
    const restarts = count * Number(values.turns);
    for (let turn = 0; turn < restarts; turn += 1) {
      const server = nodes.servers[turn % count]!;
      const at = performance.now();
      await server.kill();
      await sleep(DOWN_MS);
      await startAgain(server);
      // Behind the last one, too: what it costs shows when the leases would have ended.
      await sleep(Math.max(0, interval * restartGuard - (performance.now() - at)));
    }
    await sleep(lease);
    for (const child of children) child.send({ type: 'stop' });
    const done = await Promise.all(children.map((child) => child.next('done')));
    return line(count, interval, restarts, done as unknown as Result[]);
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await nodes.stop();
  }
}

function line(count: number, interval: number, restarts: number, results: readonly Result[]): string {
  const lost = results.flatMap((result) => result.lost);
  const first = Math.min(...lost.map(({ at }) => at));
  const failed = results.flatMap((result) => Object.values(result.failed)).reduce((all, each) => all + each, 0);
  const sections = results.reduce((all, result) => all + result.sections, 0);
  const cells = [
    ...[count, (interval * restartGuard) / 1_000, interval, restarts, PROCESSES * KEPT, lost.length],
    ...[lost.length === 0 ? '' : (first / 1_000).toFixed(1), sections, failed],
    (Math.max(...results.map(({ longestMs }) => longestMs)) / 1_000).toFixed(1),
  ];
  return `| ${cells.join(' | ')} |`;
}

console.log(`Leases of ${lease} ms, renewed every ${Math.round(lease / 3)} ms; restart guard ${restartGuard} ms.`);
console.log(
  '| nodes | interval, s | interval / guard | restarts | locks kept | times lost | first loss after, s | sections | failed | longest without service, s |',
);
const cases = values.nodes
  .split(',')
  .flatMap((count) =>
    values.intervals.split(',').map((interval): [number, number] => [Number(count), Number(interval)]),
  );
const lines: string[] = [];
async function work(): Promise<void> {
  for (let next = cases.shift(); next !== undefined; next = cases.shift()) {
    const [count, interval] = next;
    const text = await measure(count, interval);
    lines.push(text);
    console.log(text);
  }
}
await Promise.all(Array.from({ length: Number(values.beside) }, work));
