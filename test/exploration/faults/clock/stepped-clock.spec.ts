import { expect, it } from '@jest/globals';
import { makeTempDir } from '../../../../sample-app/services/temp-dir.js';
import { ChildScript } from '../../../support/child-script.js';
import { describeUnless } from '../../../support/describe-unless.js';
import { RedisServer } from '../../../support/redis-server.js';
import { SteppedClocks } from './stepped-clock.js';

const folder = makeTempDir('clocks');
const clocks = SteppedClocks.build(folder.path);
folder.remove();

const missing = clocks === undefined ? 'setting the clock of a single process needs Linux and a C compiler' : undefined;

describeUnless(missing, 'SteppedClock', () => {
  const HOUR = 3_600_000;

  it('sets the wall clock of a Redis and leaves the machine alone', async () => {
    await using own = new OwnFolder();
    const clock = SteppedClocks.build(own.path)!.make('redis');
    await using server = await RedisServer.startWith({ env: clock.env });
    const seconds = async () => Number((await server.client().time())[0]);
    expect(Math.abs((await seconds()) * 1_000 - Date.now())).toBeLessThan(60_000);
    clock.set(HOUR);
    expect((await seconds()) * 1_000 - Date.now()).toBeGreaterThan(HOUR - 60_000);
    clock.set(-HOUR);
    expect((await seconds()) * 1_000 - Date.now()).toBeLessThan(60_000 - HOUR);
  });

  it('sets the wall clock of a node process and not its monotonic one', async () => {
    await using own = new OwnFolder();
    const clock = SteppedClocks.build(own.path)!.make('node');
    await using child = ChildScript.start('exploration/faults/clock/tells-time.mjs', [], clock.env);
    const before = await child.next('time');
    clock.set(HOUR);
    child.send({ type: 'ask' });
    const after = await child.next('time');
    expect(Number(after.wall) - Number(before.wall)).toBeGreaterThan(HOUR - 1_000);
    expect(Number(after.monotonic) - Number(before.monotonic)).toBeLessThan(HOUR / 2);
  });
});

class OwnFolder implements AsyncDisposable {
  private readonly folder = makeTempDir('clocks');
  readonly path = this.folder.path;

  async [Symbol.asyncDispose](): Promise<void> {
    this.folder.remove();
  }
}
