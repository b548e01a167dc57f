// npm run test:judge -- [--kind exclusive,fair|…] [--topology single|…] [options of test:faults]: runs the fault suite and
// checks its histories with Porcupine. With --history FILE… it checks histories that were written before.
// Needs Go 1.19; as root on Debian, it is installed when it is missing.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SUITE = fileURLToPath(new URL('../faults/run.mjs', import.meta.url));
const ONE_STATE = ['single', 'sentinel', 'cluster'];
const QUORUMS = ['quorum3', 'quorum5'];
const KINDS = ['exclusive', 'fair', 'write', 'read-write', 'semaphore'];

const has = (command) => spawnSync(command, ['version'], { stdio: 'ignore' }).error === undefined;

function findGo() {
  for (const go of ['go', '/usr/local/go/bin/go']) if (has(go)) return go;
  const packages = ['golang-go', 'ca-certificates'];
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) {
    throw new Error(`This needs Go 1.19 or later: apt-get install ${packages.join(' ')}`);
  }
  const apt = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  const options = {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', [...apt, 'update'], options);
  spawnSync('apt-get', [...apt, 'install', '-y', '--no-install-recommends', ...packages], options);
  if (!has('go')) throw new Error('Go could not be installed.');
  return 'go';
}

/** @returns whether it ended with 0 */
function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...(cwd === undefined ? {} : { cwd }) });
  if (error !== undefined) throw error;
  return status === 0;
}

/** The histories of the fault suite, one file for each kind of lock. */
function record(folder, { kind: kinds, topology, permits, ...passed }) {
  const chosen = topology?.split(',') ?? [...ONE_STATE, ...QUORUMS];
  const options = Object.entries(passed).flatMap(([name, value]) => [`--${name}`, value]);
  const files = [];
  let kept = true;
  for (const kind of kinds.split(',')) {
    const topologies = chosen.filter((each) => kind === 'exclusive' || !each.startsWith('quorum'));
    if (topologies.length === 0) continue;
    const file = join(folder, `${kind}.jsonl`);
    const own = ['--kind', kind, '--topology', topologies.join(','), '--history', file];
    if (kind === 'semaphore' && permits !== undefined) own.push('--permits', permits);
    kept = run(process.execPath, [SUITE, ...own, ...options]) && kept;
    files.push(file);
  }
  return { files, kept };
}

function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      history: { type: 'string', multiple: true },
      kind: { type: 'string', default: KINDS.join(',') },
      topology: { type: 'string' },
      permits: { type: 'string' },
      seed: { type: 'string' },
      sections: { type: 'string', default: '2000' },
      minutes: { type: 'string', default: '3' },
      'round-seconds': { type: 'string', default: '30' },
      only: { type: 'string', default: '' },
    },
  });
  const go = findGo();
  const judge = (files) => run(go, ['run', '-buildvcs=false', '.', ...files], HERE);
  const tested = run(go, ['test', '-buildvcs=false', '.'], HERE);
  if (values.history !== undefined) return judge(values.history.map((file) => resolve(file))) && tested;
  if (!run('npm', ['run', '-s', 'build'])) return false;
  const folder = mkdtempSync(join(tmpdir(), 'judge-'));
  const { files, kept } = record(folder, values);
  const accepted = judge(files);
  if (accepted) rmSync(folder, { recursive: true });
  else console.log(`The histories are kept in ${folder}`);
  return kept && accepted && tested;
}

if (!main(process.argv.slice(2))) process.exitCode = 1;
