// The command line of the simulation: npm run test:sim -- [options]. README.md in this folder explains them.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { schedulesWithNodesAway } from './away-schedules.js';
import { findFailure, survey, type Failure, type Result } from './find-failure.js';
import { kindOf, needsOneState, type Kind } from './kind.js';
import { LibraryCode } from './library/loader.js';
import { findUnused } from './mutations/find-unused.js';
import { MUTATION_GROUPS, MUTATIONS, type ListedMutation } from './mutations/index.js';
import { Simulation } from './run-schedule.js';
import type { Schedule } from './schedule.js';

// Errors are made by the thousand here, and few of them are looked at.
Error.stackTraceLimit = 0;

const { values } = parseArgs({
  options: {
    nodes: { type: 'string' },
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    schedule: { type: 'string' },
    mutations: { type: 'boolean', default: false },
    mutation: { type: 'string' },
    undirected: { type: 'boolean', default: false },
    'check-mutations': { type: 'boolean', default: false },
    survey: { type: 'boolean', default: false },
    away: { type: 'boolean', default: false },
    permits: { type: 'string' },
    kind: { type: 'string' },
  },
});
const runs = Number(values.runs);
/** What is used in place of each lock, in memory and on one node: a semaphore of so many permits, or another kind. */
const kind = kindOf(values.permits === undefined ? undefined : Number(values.permits), values.kind);
/** On several nodes there is one schedule with nodes away for so many others. */
const AWAY = 4;
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const nodeCounts = (values.nodes ?? (needsOneState(kind) ? '0,1' : '0,1,3,5')).split(',').map(Number);
const mutation = MUTATIONS.find(({ name }) => name === values.mutation) ?? null;
if (values.mutation !== undefined && mutation === null) throw new Error(`no mutation "${values.mutation}"`);

if (values.schedule !== undefined) await replay(values.schedule);
else if (values.mutations) await runMutations();
else if (values['check-mutations']) await checkMutations();
else for (const nodes of nodeCounts) await runNodes(nodes);

/** Runs one schedule, given as JSON or as the name of a file, and prints all that happens. */
async function replay(text: string): Promise<void> {
  const json = text.startsWith('{') ? text : readFileSync(text, 'utf8');
  const outcome = await simulate(nodeCounts[0]!, mutation).run(JSON.parse(json) as Schedule, true);
  console.log(outcome.trace.join('\n'));
  if (outcome.violations.length > 0) process.exitCode = 1;
}

async function runNodes(nodes: number): Promise<void> {
  const simulation = simulate(nodes, mutation);
  if (values.survey) {
    console.log(await survey(simulation, runs, seed));
    return;
  }
  const { failure, totals, ms } = await findAny(simulation);
  console.log(`${nodes} node(s), seed ${seed}: ${totals.schedules} schedules in ${(ms / 1_000).toFixed(1)} s`);
  console.log(JSON.stringify(totals));
  if (failure === null) {
    console.log('0 violations');
    return;
  }
  process.exitCode = 1;
  print(nodes, failure);
}

/** Schedules of all kinds, and on several nodes some more in which a minority of the nodes is away. */
async function findAny(simulation: Simulation): Promise<Result> {
  const away = (count: number) =>
    findFailure(simulation, count, seed, true, [], schedulesWithNodesAway(simulation.nodes));
  if (values.away) return away(runs);
  const result = await findFailure(simulation, runs, seed, true);
  if (simulation.nodes <= 1 || result.failure !== null) return result;
  const more = await away(Math.ceil(runs / AWAY));
  const totals = { ...result.totals };
  for (const [what, count] of Object.entries(more.totals)) totals[what] = (totals[what] ?? 0) + count;
  return { ...more, totals, ms: result.ms + more.ms };
}

function print(nodes: number, { schedule, violations, after }: Failure): void {
  console.log(`VIOLATED after ${after} schedules. The smallest schedule found that does it:`);
  for (const violation of violations) console.log(`  ${violation}`);
  console.log(`npm run test:sim -- --nodes ${nodes} --schedule '${JSON.stringify(schedule)}'`);
}

function simulate(nodes: number, mutated: ListedMutation | null): Simulation {
  const code = new LibraryCode(mutated);
  const simulation = new Simulation(nodes, code, mutated?.models, kindFor(mutated));
  code.checkMutated();
  return simulation;
}

function kindFor(mutated: ListedMutation | null): Kind {
  if (mutated?.permits === undefined && mutated?.mode === undefined) return kind;
  return kindOf(mutated.permits, mutated.mode);
}

async function findMutated(nodes: number, mutated: ListedMutation): Promise<Result> {
  const simulation = simulate(nodes, mutated);
  const examples = values.undirected ? [] : mutated.examples;
  if (mutated.away !== true) return findFailure(simulation, runs, seed, false, examples);
  return findFailure(simulation, runs, seed, false, examples, schedulesWithNodesAway(nodes));
}

/** Each change of the protocol has to be noticed, on each number of nodes that it is for. */
async function runMutations(): Promise<void> {
  const scores: string[] = [];
  for (const [group, mutations] of Object.entries(MUTATION_GROUPS)) {
    const survivors: string[] = [];
    let made = 0;
    for (const mutated of mutations.filter((each) => mutation === null || each === mutation)) {
      for (const nodes of mutated.nodes.filter((count) => nodeCounts.includes(count))) {
        made += 1;
        const { failure } = await findMutated(nodes, mutated);
        const result =
          failure === null ? `NOT caught in ${runs}` : `caught after ${failure.after}: ${failure.violations[0]!}`;
        console.log(`${mutated.name} (${nodes}): ${result}`);
        if (failure === null) survivors.push(`${mutated.name} (${nodes})`);
      }
    }
    if (made === 0) continue;
    if (survivors.length > 0) process.exitCode = 1;
    const named = survivors.length === 0 ? '' : `; not noticed: ${survivors.join(', ')}`;
    scores.push(`${group}: ${made - survivors.length} of ${made} noticed${named}`);
  }
  console.log(scores.join('\n'));
}

/** Finds mutations without effect: the functions that they replace do not exist, or nothing calls them. */
async function checkMutations(): Promise<void> {
  for (const mutated of MUTATIONS) {
    try {
      const unused = await findUnused(mutated);
      if (unused.length === 0) continue;
      console.log(`the mutation "${mutated.name}" has no effect: ${unused.join()} is never called`);
    } catch (error) {
      console.log((error as Error).message);
    }
    process.exitCode = 1;
  }
  console.log(`${MUTATIONS.length} mutations checked`);
}
