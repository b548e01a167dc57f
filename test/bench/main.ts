import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ending } from '../../sample-app/services/cleanup.js';
import { RedisServer } from '../support/redis-node.js';
import type { Bench } from './bench.js';
import { takingPart, type BenchCase } from './cases/case.js';
import { CASES } from './cases/index.js';
import { isRepresentative, loadEntrants } from './contestants/index.js';
import { Crews } from './driver/crews.js';
import { Traffic } from './driver/traffic.js';
import { choose, readOptions } from './options.js';
import { aimRows } from './report/aims.js';
import { Findings } from './report/findings.js';
import { commitOf, describeMachine } from './report/machine.js';
import type { CaseResult } from './report/measurement.js';
import { aimText, caseText, readme } from './report/readme.js';

const options = readOptions(process.argv.slice(2), fileURLToPath(new URL('results/', import.meta.url)));
const { entrants, absent } = await loadEntrants();
const cases = choose('--case', CASES.filter(isReady), options.cases);
const named = choose('--contestant', entrants, options.contestants);
const chosen = options.quick && options.contestants.length === 0 ? named.filter(isRepresentative) : named;
for (const { file, reason } of absent) console.log(`${file}: ${reason}`);

await using redis = await RedisServer.start();
const traffic = await Traffic.open(redis.url);
const crews = new Crews(redis.url);
const bench: Bench = { options, url: redis.url, crews, traffic, say: (line) => console.log(`  ${line}`) };
const machine = describeMachine(await traffic.redis.info('server'));
const startedAt = new Date();
const results: CaseResult[] = [];
const took = new Map<string, number>();
try {
  for (const each of cases) {
    console.log(`\n${each.title} …`);
    const begin = Date.now();
    const result = await each.run(bench, takingPart(each, chosen));
    results.push(result);
    took.set(each.id, Date.now() - begin);
    console.log(`\n${caseText(result, new Findings(entrants, [result]))}\n\n  took ${seconds(each.id)}`);
  }
} catch (error) {
  // Ctrl-C ends what the case was working with: the case cannot know, and the process ends when all is stopped.
  if (ending.aborted) await new Promise(() => undefined);
  throw error;
} finally {
  await crews.close();
  await traffic.close();
}

const findings = new Findings(chosen, results);
console.log(`\nAims\n\n${aimText(aimRows(findings))}`);
const all = Math.round((Date.now() - startedAt.getTime()) / 1_000);
console.log(`\nTook ${all} s: ${cases.map(({ id }) => `${id} ${seconds(id)}`).join(', ')}`);
if (options.out !== undefined) {
  const record = {
    machine,
    commit: commitOf(fileURLToPath(new URL('../..', import.meta.url))),
    startedAt,
    tookMs: Date.now() - startedAt.getTime(),
    quick: options.quick,
    rounds: options.rounds,
    contestants: chosen,
    absent,
    results,
    cases: cases.map(({ id, measures }) => ({ id, measures, tookMs: took.get(id) ?? 0 })),
  };
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'README.md'), readme(record, findings));
  console.log(`\nWritten to ${options.out}`);
}

/** Whether this library has a lock of the kind that a case is about. */
function isReady(each: BenchCase): boolean {
  return takingPart(each, entrants).some(({ kind }) => kind === 'own');
}

function seconds(id: string): string {
  return `${Math.round((took.get(id) ?? 0) / 1_000)} s`;
}
