import { stopAll, stopOnExit } from '../../services/cleanup.js';
import { endWithParent } from '../../services/parent-watch.js';
import { startBacking } from '../launch/backing.js';
import { demoArguments, usage } from './arguments.js';
import type { DemoArguments } from './arguments.js';
import { showEvolution } from './evolution.js';
import { Progress } from './progress.js';
import { guards } from '../evolution/guards.js';
import type { GuardName } from '../evolution/guards.js';
import { complaints, failures, summary, table } from './report.js';
import { stampede } from './stampede.js';
import type { StampedeResult } from './stampede.js';

/** `npm run demo`: the readers on a cold catalog, or with `--evolution` the table of systems and scenarios. */
async function main(): Promise<void> {
  endWithParent();
  const asked = wanted();
  if (asked === undefined) process.exitCode = 2;
  else if (asked.show === 'help') console.log(usage);
  else if (asked.show === 'stampede') await showStampede();
  else if (!(await showEvolution(asked))) process.exitCode = 1;
}

function wanted(): DemoArguments | undefined {
  try {
    return demoArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

/**
 * Sends many readers at once to an empty cache on several replicas, once for each guard. The exit code is 0 only if the
 * runs with `@WithLock` and with single flight rebuilt the catalog once and served all of their readers correctly.
 */
async function showStampede(): Promise<void> {
  const replicas = setting('DEMO_REPLICAS', 4, 1, 16);
  const readers = setting('DEMO_READERS', 2_000, 1, 5_000);
  const queryMs = setting('DEMO_QUERY_MS', 300, 0, 10_000);

  const backing = await startBacking();
  stopOnExit({ stop: backing.stop, stopNow: () => undefined });
  console.log(`${backing.source}. ${readers} readers, ${replicas} replicas, a query of ${queryMs} ms.`);

  const run = async (guard: GuardName, title: string): Promise<StampedeResult> => {
    const progress = new Progress(title, readers);
    const onServed = progress.served;
    const result = await stampede({ backing, guard, replicas, readers, queryMs, onServed, measureWarm: false });
    progress.end();
    for (const failure of failures(result)) console.log(`  ${failure}`);
    return result;
  };
  const unguarded = await run('none', 'Without a guard');
  const stage5 = await run('stage-5', 'With SET NX EX and 100 ms sleeps');
  const guarded = await run('with-lock', 'With @WithLock');
  const shared = await run('single-flight', 'With single flight');

  const results = [unguarded, stage5, guarded, shared];
  console.log(`\n${table(results)}\n\n${summary(results)}`);
  for (const result of [guarded, shared]) {
    for (const complaint of complaints(result)) {
      console.error(`With ${guards[result.guard]}: ${complaint}`);
      process.exitCode = 1;
    }
  }
}

function setting(name: string, fallback: number, min: number, max: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${name} must be a whole number from ${min} to ${max}, but is "${text}".`);
}

main()
  .catch((error: unknown) => {
    // Not the error itself: its cause may show a URL with a password.
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  })
  .finally(stopAll)
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
