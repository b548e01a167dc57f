import { findRedisProgram } from '../../services/find-program.js';
import { startRedis } from '../../services/redis.js';
import { runEvolution } from '../evolution/run-evolution.js';
import type { DemoArguments } from './arguments.js';
import { complaintsAbout, failuresOf, marks } from './evolution-report.js';

/** Runs the scenarios and prints the table. Resolves with whether all results are as expected. */
export async function showEvolution({
  systems,
  scenarios,
}: Extract<DemoArguments, { show: 'evolution' }>): Promise<boolean> {
  const redisProgram = findRedisProgram();
  const redis = redisProgram === undefined ? await startRedis() : undefined;
  console.log(
    `Each of ${String(systems.length)} systems in ${String(scenarios.length)} scenarios, on ${redisProgram ?? `Redis from ${redis?.source ?? ''}`} …`,
  );
  let ended = 0;
  const table = await runEvolution({
    redisProgram,
    redisUrl: redis?.url,
    systems,
    scenarios,
    onCell: ({ state }, { cells }) => {
      if (state === 'running') return;
      ended += 1;
      const toPlay = cells.filter((cell) => cell.state !== 'not-applicable').length;
      if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${String(ended)} of ${String(toPlay)} cells`);
    },
  });
  await redis?.stop();
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');

  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  console.log(`\n${marks(table, width)}\n`);
  for (const { name, story } of table.scenarios) console.log(`${name}: ${story}`);
  const failures = failuresOf(table);
  if (failures !== '') console.log(`\n${failures}`);
  console.log(`\nTook ${((table.tookMs ?? 0) / 1000).toFixed(1)} s.`);
  const complaints = complaintsAbout(table);
  for (const complaint of complaints) console.error(complaint);
  return complaints.length === 0;
}
