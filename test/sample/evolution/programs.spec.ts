import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buildSample, type BuiltSample } from '../built-sample.js';
import { describeWithRedisServer } from '../../support/redis-server.js';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describeWithRedisServer('the programs of the evolution', () => {
  let built: BuiltSample;
  const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    new Promise((resolve) => {
      const path = fileURLToPath(new URL(program, built.folder));
      const child = execFile(
        process.execPath,
        [path, ...args],
        { env: { ...process.env, NODE_OPTIONS: '', ...env } },
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  const demo = (...args: string[]) => run('lab/demo/main.js', args);

  beforeAll(async () => {
    built = await buildSample();
  });
  afterAll(() => built.remove());

  it('demo --evolution prints the table, and the expected and the seen result of each failure', async () => {
    const { code, stdout, stderr } = await demo('--evolution', '--system', 'none', '--scenario', 'calm');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('|          | calm     |\n|----------|----------|\n| no guard | 4 inside |\n');
    expect(stdout).toContain('no guard, calm: 4 inside\n    expected: All callers rebuild at the same time.\n');
    expect(stdout).toMatch(/ {4}seen: {5}4 inside at once, 4 rebuilds, 0 commands\.\n\nTook \d+\.\d s\.\n$/);
  });

  it.each([
    [['--evolution', '--system', 'stage-6'], 'There is no system "stage-6".'],
    [['--scenario', 'calm'], '--system and --scenario belong to --evolution.'],
    [['--evolutoin'], "Unknown option '--evolutoin'"],
  ])('demo %j is rejected with a message and the usage', async (args, message) => {
    const { code, stdout, stderr } = await demo(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('npm run demo -- --evolution');
  });

  it('demo --help prints the usage', async () => {
    const { code, stdout } = await demo('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Systems:   none, lock-2013, ');
  });

  it('the shop with the lab does not start with an unknown guard', async () => {
    const nowhere = { REDIS_URL: 'redis://127.0.0.1:1', DATABASE_URL: 'postgres://a:b@127.0.0.1:1/shop' };
    const { code, stdout, stderr } = await run('lab/replica/main.js', [], { ...nowhere, CATALOG_GUARD: 'stage-6' });
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('CATALOG_GUARD must be one of none, ');
  });
});
