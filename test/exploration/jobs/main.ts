// The command line of the experiment with jobs that run once: npm run test:jobs -- [options]. README.md explains it.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { firingsOf, JobReplicas, type JobRun } from '../../support/job-replicas.js';
import { RedisServer } from '../../support/redis-node.js';
import { Random } from '../sim/kernel/random.js';

const { values } = parseArgs({
  options: {
    firings: { type: 'string', default: '200' },
    every: { type: 'string', default: '5' },
    replicas: { type: 'string', default: '5' },
    apart: { type: 'string', default: '2000' },
    'kill-every': { type: 'string', default: '20' },
    'job-ms': { type: 'string', default: '300' },
    'take-over': { type: 'boolean', default: false },
    retry: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
});
const [firings, everyS, count, apartMs] = [values.firings, values.every, values.replicas, values.apart].map(Number) as [
  number,
  number,
  number,
  number,
];
const killEvery = Number(values['kill-every']);
const random = new Random(Number(values.seed), 'jobs');

await using server = await RedisServer.start();
await using replicas = new JobReplicas({
  connection: { url: server.url },
  name: 'job',
  cron: `*/${String(everyS)} * * * * *`,
  options: { takeOver: values['take-over'], retry: Number(values.retry) },
  jobMs: Number(values['job-ms']),
});
/** Spread evenly, so that the first and the last are `apartMs` apart. */
const offset = (index: number): number => Math.round((apartMs * index) / (count - 1) - apartMs / 2);
for (let index = 0; index < count; index += 1) await replicas.start({ offsetMs: offset(index) });

const offsets = new Map(replicas.ids.map((id, index) => [id, offset(index)]));
const kills: { readonly firing: number; readonly when: string }[] = [];
const first = replicas.update().length;
const seen = (): JobRun[][] => firingsOf(replicas.update().slice(first));
for (let fired = 0; fired < firings;) {
  await replicas.until(`firing ${String(fired + 1)}`, () => seen().length > fired, 4_000 * everyS);
  fired = seen().length;
  if (fired % killEvery !== 0) continue;
  await killOne(fired);
}
await replicas.until('the last run ended', () => replicas.update().every(({ end }) => end !== 'running'));
await sleep(1_000 * Math.min(everyS, 3));
const skipped = await replicas.stopAll();
report();

/** Kills the winner during its run, or another replica, in turn, and starts one with the same clock. */
async function killOne(firing: number): Promise<void> {
  const winner = seen().at(-1)?.at(-1);
  if (winner === undefined) return;
  const others = replicas.ids.filter((id) => id !== winner.replica);
  const during = kills.length % 2 === 0;
  const victim = during ? winner.replica : (others[Math.floor(random.next() * others.length)] as number);
  await sleep(random.next() * Number(values['job-ms']) * 0.6);
  await replicas.kill(victim);
  kills.push({ firing, when: during ? 'the winner, during its run' : 'another replica' });
  const offsetMs = offsets.get(victim) ?? 0;
  offsets.set(await replicas.start({ offsetMs }), offsetMs);
}

function report(): void {
  const all = firingsOf(replicas.runs.slice(first)).slice(0, firings);
  const died = all.filter((runs) => runs.some(({ end }) => end === 'died'));
  const healthy = all.filter((runs) => !died.includes(runs));
  const twice = healthy.filter((runs) => runs.length !== 1 || runs[0]?.end !== 'done');
  // Firings are due at multiples of the period, by clocks that differ by less than half of it.
  const due = all.map((runs) => Math.round((runs[0]?.firedAt ?? NaN) / (1_000 * everyS)));
  const doubled = due.filter((each, index) => index > 0 && each === due[index - 1]).length;
  const missed = (due.at(-1) ?? 0) - (due[0] ?? 0) + 1 - new Set(due).size;
  const repeated = died.filter((runs) => runs.at(-1)?.end === 'done').length;
  console.log(
    JSON.stringify(
      {
        firings: all.length,
        ranExactlyOnce: healthy.length - twice.length,
        notExactlyOnce: twice.length,
        sameTimeTwice: doubled,
        missed,
        winnerDied: died.length,
        ofThoseRepeated: repeated,
        kills: kills.length,
        skipped,
      },
      null,
      2,
    ),
  );
  if (twice.length > 0 || doubled > 0 || missed > 0 || (values['take-over'] && repeated < died.length)) {
    console.error(JSON.stringify({ twice, died, due, kills }, null, 1));
    process.exitCode = 1;
  }
}
