// A process that works for one contestant at one task after another, as it is told over IPC. Plain JavaScript and no
// more imports than a task needs: how much memory it takes is among what is measured. It ends with whoever started it.
import { connectedPorts } from './ports.mjs';

const tasks = {
  held: () => import('./bulk.mjs'),
  waiting: () => import('./bulk.mjs'),
  used: () => import('./bulk.mjs'),
  sweep: () => import('./bulk.mjs'),
  turns: () => import('./turns.mjs'),
  rebuild: () => import('./rebuild.mjs'),
  renew: () => import('./renew.mjs'),
};

// A library that rejects in a timer must not end the run.
let strays = 0;
process.on('unhandledRejection', () => (strays += 1));
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; the driver ends us when it has heard it.
process.on('SIGINT', () => undefined);

let env;
process.on('message', ({ task, ask }) => {
  obey(task, ask).then(
    (result) => process.send({ result: { ...result, strays, ports: connectedPorts() } }),
    (error) => process.send({ failed: `${error.name}: ${error.message}` }),
  );
});
process.send({ result: { started: true } });

async function obey(task, ask) {
  if (task === 'open') {
    const client = ask.file === undefined ? undefined : await open(ask);
    env = { url: ask.url, id: ask.id, client };
    return {};
  }
  if (task === 'close') {
    await env?.client?.close();
    return {};
  }
  const load = tasks[task];
  if (load === undefined) throw new Error(`There is no task "${task}".`);
  return (await load())[task](env, ask);
}

async function open({ file, id, url }) {
  const { contestants } = await import(new URL(`../contestants/${file}.mjs`, import.meta.url).href);
  const contestant = contestants.find((each) => each.id === id);
  if (contestant === undefined) throw new Error(`${file}.mjs has no contestant "${id}".`);
  return contestant.open({ url });
}
