import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './find-program.js';

const policyFile = '/usr/sbin/policy-rc.d';
const lockedTries = 60;

/** Why a Debian package cannot be installed on this machine, or `undefined` when it can. */
export function whyNoApt(): string | undefined {
  if (process.platform !== 'linux' || !existsSync('/etc/debian_version')) return 'this is not Debian or Ubuntu';
  if (process.getuid?.() !== 0) return 'apt-get needs root, and this is not root';
  if (findProgram('apt-get') === undefined) return 'apt-get is not on the PATH';
  return undefined;
}

/** Installs a Debian package that brings a system service, without letting that service start. */
export async function installDebianPackage(name: string): Promise<void> {
  const allow = forbidServiceStart();
  try {
    const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', name];
    // The package lists of a fresh machine are empty or old, so the install is tried again after an update.
    if ((await aptGet(install)).code === 0) return;
    const update = await aptGet(['update']);
    if (update.code !== 0) throw new Error(`"apt-get update" failed: ${update.output}`);
    const second = await aptGet(install);
    if (second.code !== 0) throw new Error(`"apt-get install ${name}" failed: ${second.output}`);
  } finally {
    allow();
  }
}

/** Debian asks this file before a package may start its service; 101 means no. A file that is there already stays. */
function forbidServiceStart(): () => void {
  try {
    writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { flag: 'wx', mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return () => undefined;
    throw error;
  }
  return () => {
    rmSync(policyFile, { force: true });
  };
}

async function aptGet(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await run('apt-get', args);
    // Another run on this machine may be installing the same package.
    const locked = result.code !== 0 && /could not get lock|unable to lock/i.test(result.output);
    if (!locked || attempt === lockedTries) return result;
    await sleep(2_000);
  }
}

function run(command: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, output });
    });
  });
}
