import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs the command line. The simulation needs a Node of its own: it counts on the order of promise callbacks. */
export async function simulate(...args: string[]): Promise<string> {
  const register = '--import=./test/support/register-ts.mjs';
  const { stdout } = await promisify(execFile)(process.execPath, [register, 'test/exploration/sim/main.ts', ...args], {
    cwd: root,
    maxBuffer: 64 * 1024 * 1024,
    timeout: 240_000,
    env: { ...process.env, NODE_OPTIONS: '' },
  }).catch((error: unknown) => {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the simulation failed:\n${stdout}\n${stderr}`);
  });
  return stdout;
}
