// The command line of the soak: npm run test:soak -- [options]. README.md explains it.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RedisServer } from '../../support/redis-node.js';
import { findingsOf, table, type Sample } from './samples.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    every: { type: 'string', default: '60' },
    processes: { type: 'string', default: '2' },
    callers: { type: 'string', default: '12' },
    'cut-every': { type: 'string', default: '15' },
  },
});
const [minutes, everyS, processes, cutEveryS] = [
  values.minutes,
  values.every,
  values.processes,
  values['cut-every'],
].map(Number) as [number, number, number, number];

interface Measured {
  readonly heap: number;
  readonly external: number;
  readonly sockets: number;
  readonly timers: number;
  readonly sections: number;
  readonly errors: Readonly<Record<string, number>>;
}

await using server = await RedisServer.start();
const admin = server.client();
const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));
const workers = await Promise.all(
  Array.from({ length: processes }, async () => {
    const child = fork(worker, [server.url, values.callers], { execArgv: ['--expose-gc'] });
    child.once('exit', (code) => {
      if (code !== 0) throw new Error(`A process of the soak ended with ${String(code)}.`);
    });
    await once(child, 'message');
    return child;
  }),
);
const began = Date.now();
const end = began + minutes * 60_000;
const samples: Sample[] = [];
let errors: Readonly<Record<string, number>> = {};
while (Date.now() < end) {
  await workFor(Math.min(everyS * 1_000, Math.max(0, end - Date.now())));
  samples.push(await sample());
  console.log(table(samples.slice(-1), samples.length === 1));
  for (const each of workers) each.send('go on');
}
for (const each of workers) {
  each.send('stop');
  await once(each, 'exit');
}
const keys = await admin.dbsize();
console.log(`\n${table(samples, true)}\n`);
console.log(`Refused or failed calls of the first process: ${JSON.stringify(errors)}`);
console.log(`Keys after the services were closed: ${String(keys)}`);
const findings = findingsOf(samples);
console.log(findings.length === 0 ? '\nFlat.' : `\n${findings.join('\n')}`);
process.exitCode = findings.length === 0 ? 0 : 1;

/** Connections are cut meanwhile, those for notifications and the others in turn. */
async function workFor(ms: number): Promise<void> {
  const until = Date.now() + ms;
  for (let cut = 0; Date.now() < until; cut += 1) {
    await sleep(Math.min(cutEveryS * 1_000, until - Date.now()));
    if (Date.now() >= until) return;
    await admin.call('CLIENT', 'KILL', 'TYPE', cut % 2 === 0 ? 'pubsub' : 'normal', 'SKIPME', 'yes');
  }
}

async function sample(): Promise<Sample> {
  // At the same time, so that none has anybody to wait for.
  const measured = await Promise.all(workers.map(measure));
  errors = measured[0]!.errors;
  const sum = (of: (each: Measured) => number): number => measured.reduce((total, each) => total + of(each), 0);
  const [channels, patterns, clients, memory] = await Promise.all([
    admin.call('PUBSUB', 'CHANNELS') as Promise<string[]>,
    admin.call('PUBSUB', 'NUMPAT') as Promise<number>,
    admin.info('clients'),
    admin.info('memory'),
  ]);
  return {
    minute: (Date.now() - began) / 60_000,
    calls: sum((each) => each.sections),
    heap: sum((each) => each.heap) / 1e6,
    external: sum((each) => each.external) / 1e6,
    sockets: sum((each) => each.sockets),
    timers: sum((each) => each.timers),
    keys: await admin.dbsize(),
    channels: channels.length + patterns,
    clients: Number(/connected_clients:(\d+)/.exec(clients)![1]),
    server: Number(/used_memory:(\d+)/.exec(memory)![1]) / 1e6,
  };
}

async function measure(child: ChildProcess): Promise<Measured> {
  child.send('measure');
  const [message] = (await once(child, 'message')) as [Measured];
  return message;
}
