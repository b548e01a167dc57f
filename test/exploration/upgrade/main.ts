// The command line of the experiment with two releases at once: npm run test:upgrade -- --old FILE.tgz. README.md explains it.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pack } from '../../packages/pack.mjs';
import { RedisServer } from '../../support/redis-node.js';
import { Random } from '../sim/kernel/random.js';
import { SectionWatch } from './section-watch.js';

const { values } = parseArgs({
  options: {
    old: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    replicas: { type: 'string', default: '4' },
    'step-ms': { type: 'string', default: '3000' },
    seed: { type: 'string', default: '1' },
  },
});
if (values.old === undefined)
  throw new Error('--old FILE.tgz: the package of the earlier release, as "npm pack" makes it');
const [rounds, count, stepMs] = [values.rounds, values.replicas, values['step-ms']].map(Number) as [
  number,
  number,
  number,
];
const random = new Random(Number(values.seed), 'upgrade');

const root = fileURLToPath(new URL('../../../', import.meta.url));
// Below node_modules, so that the peer dependencies of both are found there.
const folder = `${root}node_modules/.cache/upgrade/`;
rmSync(folder, { recursive: true, force: true });
type Release = 'old' | 'new';
const tarballs: Readonly<Record<Release, string>> = { old: values.old, new: newTarball() };
for (const release of ['old', 'new'] as const) install(release);

await using server = await RedisServer.start();
await using watch = await SectionWatch.start();
const replicas = await Promise.all(Array.from({ length: count }, () => start('old')));
for (let round = 0; round < rounds; round += 1) {
  // A deploy, and then one that takes it back.
  for (const release of ['new', 'old'] as const) {
    for (let index = 0; index < count; index += 1) {
      await sleep(stepMs);
      // Half of them die, and leave their locks and places behind.
      replicas[index]!.kill(random.next() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      await once(replicas[index]!, 'exit');
      replicas[index] = await start(release);
    }
  }
}
await sleep(stepMs);
for (const replica of replicas) replica.kill('SIGKILL');
console.log(JSON.stringify({ deploys: 2 * rounds, ...watch.report() }, null, 2));
process.exitCode = watch.violations.length === 0 ? 0 : 1;
rmSync(folder, { recursive: true, force: true });

function newTarball(): string {
  mkdirSync(folder, { recursive: true });
  return pack(root, folder).tarball;
}

function install(release: Release): void {
  const to = `${folder}${release}/node_modules/nestjs-redis-lock`;
  mkdirSync(to, { recursive: true });
  execFileSync('tar', ['-xzf', tarballs[release], '--strip-components=1', '-C', to]);
  copyFileSync(fileURLToPath(new URL('contender.mjs', import.meta.url)), `${folder}${release}/contender.mjs`);
}

async function start(release: Release): Promise<ChildProcess> {
  const args = [`${folder}${release}/contender.mjs`, server.url, String(watch.port)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}
