// One process of the fault suite: `main.ts ORDER`. It works until it hears "finish", then says what is left and ends by
// itself.
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { HistoryFile, machineClock } from '../history.js';
import { Dice } from '../runner/dice.js';
import { Caller } from './caller.js';
import type { LockClient, OpenLockClient } from './lock-client.js';
import type { Job, WorkOrder } from './order.js';
import { makeJob, makeLast } from './plan.js';
import { ResourceClient } from './resource-client.js';
import { noteStalls } from '../stalls.js';

const order = JSON.parse(process.argv[2]!) as WorkOrder;
const say = (message: object): void => console.log(JSON.stringify(message));

/** How long this waits for something that should come at once, before it says what it still sees. */
const patienceMs = 15_000;

const commands = createInterface({ input: process.stdin });
let finish = (): void => undefined;
const toldToFinish = new Promise<void>((resolve) => (finish = resolve));
let closing = false;
let close = (): void => undefined;
const toldToClose = new Promise<void>((resolve) => (close = resolve));
commands.on('line', (line) => {
  const { type, ms, job } = JSON.parse(line) as { type: string; ms?: number; job?: Job };
  if (type === 'finish') finish();
  if (type === 'close') close();
  if (type === 'stall') stall(ms!);
  if (type === 'job') runJob(job!);
});

// Nobody is there any more who could tell it what to do.
commands.on('close', () => {
  if (!closing) process.exit(1);
});

const before = process.getActiveResourcesInfo();
const history = new HistoryFile(order.history);
const resource = await ResourceClient.connect(order.resource);
const module = order.lib === 'own' ? './own-client.js' : `../peers/${order.lib}.mjs`;
const { open } = (await import(module)) as { open: OpenLockClient };
const client = await open(order.setup);
const dice = new Dice(order.seed);
const { leaseMs, kind } = order.setup;
const tools = { ...order, history, resource, client, leaseMs, kind };
const callers = Array.from({ length: order.callers }, (_, index) => {
  return new Caller(String(index), dice.fork(String(index)), tools);
});
const jobs = new Set<Promise<unknown>>();
let finishing = false;
const forJobs = new Caller('job', dice.fork('job'), tools);
const stalls = noteStalls(order.process, history);
say({ type: 'ready' });
const work = Promise.all(callers.map((caller) => caller.run()));

await toldToFinish;
finishing = true;
for (const caller of callers) caller.stop();
await work;
await Promise.all(jobs);
for (const plan of makeLast(order.names, leaseMs, kind)) {
  await forJobs.attempt(`${order.process}-last-${plan.names.join()}`, plan);
}
await until(() => nothingIn(client));
const stats = client.stats();
say({ type: 'idle' });
await toldToClose;
stalls[Symbol.dispose]();
closing = true;
await client.close();
resource.close();
commands.close();
process.stdin.destroy();
await until(() => resources().length === 0);
history.write({ type: 'left', process: order.process, what: { ...stats, resources: resources() } });
history[Symbol.dispose]();
say({ type: 'closed' });

function nothingIn(service: LockClient): boolean {
  return Object.values(service.stats()).every((count) => count === 0);
}

async function until(done: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!done() && performance.now() < end) await sleep(20);
}

/** What keeps this process alive now and did not at the start. */
function resources(): string[] {
  const known = [...before];
  return process.getActiveResourcesInfo().filter((resource) => {
    const index = known.indexOf(resource);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

/** Tries a job's lock at the time at which all processes do. */
function runJob(ordered: Job): void {
  // One that comes now would outlast the process.
  if (finishing) return;
  const { name, at } = ordered;
  const job = sleep(Math.max(0, at - machineClock())).then(() =>
    forJobs.attempt(`${order.process}-${name}`, makeJob(ordered, leaseMs, kind)),
  );
  jobs.add(job);
  void job.finally(() => jobs.delete(job));
}

/** The event loop stands still, as in a long computation or a long garbage collection. */
function stall(ms: number): void {
  history.write({ type: 'paused', process: order.process });
  const end = performance.now() + ms;
  while (performance.now() < end);
  history.write({ type: 'resumed', process: order.process });
}
