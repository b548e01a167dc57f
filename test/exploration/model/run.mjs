// Checks the model of the quorum's protocol: npm run test:model [-- --thorough] [-- --trace]
// Needs `spin` and `gcc`; as root on Debian, a missing spin is installed. --trace prints how each wrong one goes wrong.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RIGHT, THOROUGH, WRONG } from './cases.mjs';

const MODEL = fileURLToPath(new URL('quorum.pml', import.meta.url));
const DEPTH = 100_000;

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, ...options });
  if (result.error !== undefined) throw result.error;
  return result;
}

function has(command) {
  return spawnSync(command, ['-V'], { stdio: 'ignore' }).error === undefined;
}

function needSpin() {
  if (has('spin')) return;
  if (process.getuid?.() !== 0 || !has('apt-get')) throw new Error('This needs spin: apt-get install spin');
  const apt = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', [...apt, 'update'], { stdio: 'inherit', env });
  run('apt-get', [...apt, 'install', '-y', '--no-install-recommends', 'spin', 'gcc', 'libc6-dev'], {
    ...{ stdio: ['ignore', 'inherit', 'inherit'], env },
  });
  if (!has('spin')) throw new Error('spin could not be installed.');
}

/** What spin found: the number of states, and the broken assertion if there is one. */
function check({ with: names }, optimize, memoryMb) {
  const folder = mkdtempSync(join(tmpdir(), 'model-'));
  try {
    const defines = Object.entries(names).map(([name, value]) => (value === true ? `-D${name}` : `-D${name}=${value}`));
    const made = run('spin', ['-a', ...defines, MODEL], { cwd: folder });
    if (made.status !== 0) throw new Error(`spin: ${made.stdout}${made.stderr}`);
    const flags = [
      '-O2',
      '-DSAFETY',
      '-DVECTORSZ=2048',
      `-DMEMLIM=${memoryMb}`,
      ...(memoryMb > 8_000 ? ['-DHC4'] : []),
    ];
    const compiled = run('gcc', [...flags, '-o', 'pan', 'pan.c'], { cwd: folder });
    if (compiled.status !== 0) throw new Error(`gcc: ${compiled.stderr}`);
    const { stdout } = run(join(folder, 'pan'), ['-n', `-m${DEPTH}`, '-w24'], { cwd: folder });
    const broken = /assertion violated (.*?) \(at depth/.exec(stdout)?.[1];
    const whole = /errors: 0/.test(stdout) && !/max search depth too small|out of memory|not completed/i.test(stdout);
    const states = Number(/([\d.e+]+) states, stored/.exec(stdout)?.[1] ?? 0);
    if (broken === undefined && !whole) throw new Error(`The search did not come to its end:\n${stdout}`);
    const trace =
      broken === undefined
        ? ''
        : run('spin', ['-t', ...defines, MODEL, '-k', 'quorum.pml.trail'], { cwd: folder }).stdout;
    return { broken, states, trace: trace.split(/^spin: /m)[0] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(args) {
  needSpin();
  const counts = { passed: 0, failed: 0 };
  const report = (each, asExpected, seconds, { states, broken, trace }) => {
    counts[asExpected ? 'passed' : 'failed'] += 1;
    const verdict = broken === undefined ? 'holds' : `fails: ${broken}`;
    console.log(
      `${asExpected ? 'ok ' : 'NOT AS EXPECTED '}${each.what}: ${verdict} (${states} states, ${seconds.toFixed(1)} s)`,
    );
    if (broken !== undefined && (!asExpected || args.includes('--trace'))) console.log(trace);
  };
  const checkAll = (cases, expectBroken, memoryMb) => {
    for (const each of cases) {
      const began = performance.now();
      // The wrong ones are found soon: there the compiler takes longest.
      const found = check(each, expectBroken ? '-O0' : '-O2', memoryMb);
      report(each, (found.broken !== undefined) === expectBroken, (performance.now() - began) / 1_000, found);
    }
  };
  console.log('Right, in every state:');
  checkAll(RIGHT, false, 4_000);
  console.log('Wrong, and caught:');
  checkAll(WRONG, true, 4_000);
  if (args.includes('--thorough')) {
    console.log('Right, with more:');
    checkAll(THOROUGH, false, 16_000);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  if (counts.failed > 0) process.exitCode = 1;
}

main(process.argv.slice(2));
