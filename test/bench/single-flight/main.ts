// Compares ways to read a cache that several replicas share: see "Readers of a cache" in README.md.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RedisServer } from '../../support/redis-node.js';
import { now } from '../clock.js';
import { Child } from '../driver/child.js';
import { Traffic } from '../driver/traffic.js';
import { countRequests } from '../measures/monitor.js';
import { percentiles } from '../measures/percentiles.js';
import { describeMachine } from '../report/machine.js';
import { markdownTable } from '../report/markdown.js';

const REPLICAS = 4;
const READERS = 2_000;
const COMPUTE_MS = 1_000;
/** Until the code is compiled. */
const WARM_UPS = 3;
const HOT = { perSecond: 2_000 / REPLICAS, durationMs: 4_000, computeMs: 300 };
const HOT_TTL_MS = 1_000;
const COLD_TTL_MS = 60_000;
const HEAD_START_MS = 100;
const ROUND_LIMIT_MS = 60_000;

interface Cache {
  readonly id: string;
  readonly keepsOld?: boolean;
}

interface Round {
  readonly waits: readonly number[];
  readonly computations: readonly { readonly from: number; readonly to: number }[];
}

/** A process that reads the cache. */
class Replica extends Child<{ readonly result: unknown } | { readonly failed: string }> {
  static async start(ask: object): Promise<Replica> {
    const replica = new Replica(fileURLToPath(new URL('replica.mjs', import.meta.url)), []);
    await replica.exchange(undefined, ROUND_LIMIT_MS);
    await replica.run('open', ask);
    return replica;
  }

  async run(task: string, ask: object = {}): Promise<Round> {
    const answer = await this.exchange({ task, ask }, ROUND_LIMIT_MS);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.result as Round;
  }

  async stop(): Promise<void> {
    await this.run('close').catch(() => undefined);
    await this.kill();
  }
}

/** One round of all replicas, seen as one. */
async function play(replicas: readonly Replica[], task: string, ask: object): Promise<Round> {
  const startAt = now() + HEAD_START_MS;
  const rounds = await Promise.all(replicas.map((each) => each.run(task, { ...ask, startAt })));
  return {
    waits: rounds.flatMap(({ waits }) => waits),
    computations: rounds.flatMap(({ computations }) => computations),
  };
}

async function withReplicas<T>(ask: object, work: (replicas: readonly Replica[]) => Promise<T>): Promise<T> {
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, () => Replica.start(ask)));
  try {
    return await work(replicas);
  } finally {
    await Promise.all(replicas.map((each) => each.stop()));
  }
}

async function cold({ id }: Cache, url: string, traffic: Traffic, rounds: number): Promise<string[]> {
  return withReplicas({ id, url, ttl: COLD_TTL_MS }, async (replicas) => {
    const burst = (round: string, computeMs: number): Promise<Round> =>
      play(replicas, 'burst', { key: `cold:${id}:${round}`, readers: READERS / REPLICAS, computeMs });
    for (let round = 0; round < WARM_UPS; round += 1) await burst(`warm-up ${round}`, COMPUTE_MS / 4);
    const { lines } = await traffic.listen(() => burst('counted', COMPUTE_MS));
    const { requests } = countRequests(lines);
    const timed: Round[] = [];
    for (let round = 0; round < rounds; round += 1) timed.push(await burst(String(round), COMPUTE_MS));
    const waits = timed.map((round) => percentiles(round.waits)!);
    const of = (values: readonly number[]): string => spread(values.map((ms) => ms / COMPUTE_MS));
    return [
      id,
      spread(timed.map(({ computations }) => computations.length)),
      of(waits.map(({ max }) => max)),
      of(waits.map(({ p99 }) => p99)),
      String(requests),
    ];
  });
}

async function hot({ id, keepsOld }: Cache, url: string, traffic: Traffic): Promise<string[]> {
  return withReplicas({ id, url, ttl: HOT_TTL_MS }, async (replicas) => {
    const key = `hot:${id}`;
    await replicas[0]!.run('burst', { key, readers: 1, computeMs: 1, startAt: now() });
    const { result, lines } = await traffic.listen(() => play(replicas, 'stream', { key, ...HOT }));
    const waits = percentiles(result.waits)!;
    return [
      id,
      keepsOld === true ? 'yes' : 'no',
      String(result.computations.length),
      String(atOnce(result)),
      `${waits.max.toFixed(0)} ms`,
      `${waits.p99.toFixed(0)} ms`,
      (countRequests(lines).requests / result.waits.length).toFixed(2),
    ];
  });
}

/** How many computations ran at the same time, at most. */
function atOnce({ computations }: Round): number {
  return Math.max(
    ...computations.map(({ from: at }) => computations.filter(({ from, to }) => from <= at && at < to).length),
  );
}

/** The median, and the smallest and the largest value if they differ. */
function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, middle, high] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!].map((value) => round(value));
  return low === high ? middle! : `${middle!} (${low!} to ${high!})`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(4)));
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, cache: { type: 'string', multiple: true } },
});
// Its packages are not those of the project.
const { caches } = (await import(new URL('../contestants/caches/caches.mjs', import.meta.url).href)) as {
  caches: Cache[];
};
const chosen = caches.filter(({ id }) => values.cache?.includes(id) ?? true);
await using redis = await RedisServer.start();
const traffic = await Traffic.open(redis.url);
try {
  console.log(`${JSON.stringify(describeMachine(await traffic.redis.info('server')))}\n`);
  const coldRows: string[][] = [];
  for (const each of chosen.filter(({ keepsOld }) => keepsOld !== true)) {
    coldRows.push(await cold(each, redis.url, traffic, Number(values.rounds)));
  }
  const coldHeader = [
    'cold: 2,000 readers at once',
    'computations',
    'last reader, × the computation',
    'p99',
    'requests to Redis',
  ];
  console.log(`${markdownTable(coldHeader, coldRows)}\n`);
  const hotRows: string[][] = [];
  for (const each of chosen) hotRows.push(await hot(each, redis.url, traffic));
  const hotHeader = [
    'hot: 2,000 readers a second',
    'old value',
    'computations',
    'at once',
    'slowest reader',
    'p99',
    'requests a reader',
  ];
  console.log(markdownTable(hotHeader, hotRows));
} finally {
  await traffic.close();
}
