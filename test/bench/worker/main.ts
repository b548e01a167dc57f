// A process that runs sections with one contestant, as it is told over IPC. It ends with whoever started it.
import { loadContestant } from '../contestants/index.js';
import type { LockClient } from '../contestants/contestant.js';
import { ErrorTally } from './error-tally.js';
import { foreignRound } from './foreign-round.js';
import type { Order, Plan, Report, RoundResult } from './plan.js';
import { Round } from './round.js';

const errors = new ErrorTally();
let client: LockClient | undefined;

// Some libraries reject in timers where nobody listens: that is worth a line in the table and not the end of the run.
process.on('unhandledRejection', (reason) => errors.add(reason));
process.on('uncaughtException', (error) => errors.add(error));
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; the driver ends us when it has heard it.
process.on('SIGINT', () => undefined);
process.on('message', (order: Order) => {
  obey(order).then(report, (error: unknown) =>
    report({ type: 'failed', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }),
  );
});
report({ type: 'started' });

async function obey(order: Order): Promise<Report> {
  switch (order.type) {
    case 'open':
      client = await (await loadContestant(order.file, order.id)).open({ url: order.url });
      return { type: 'opened' };
    case 'round':
      if (client === undefined) throw new Error('A round before the client was opened.');
      return { type: 'round', result: await roundOf(client, order.plan) };
    case 'close':
      await client?.close();
      return { type: 'closed' };
  }
}

function roundOf(client: LockClient, plan: Plan): Promise<RoundResult> {
  return client.round === undefined ? new Round(client, plan, errors).run() : foreignRound(client, plan);
}

function report(message: Report): void {
  process.send?.(message);
}
