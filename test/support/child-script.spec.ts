import { describe, expect, it } from '@jest/globals';
import { ChildScript } from './child-script.js';
import { waitUntil } from './wait-until.js';

const script = 'support/children/echo.mjs';

describe('ChildScript', () => {
  it('passes arguments and environment, and receives JSON lines', async () => {
    await using child = ChildScript.start(script, ['one', 'two'], { GREETING: 'good day' });
    expect(await child.next('hello')).toEqual({ type: 'hello', args: ['one', 'two'], greeting: 'good day' });
  });

  it('returns the messages of one type in order, each once', async () => {
    await using child = ChildScript.start(script);
    await child.next('hello');
    for (const n of [1, 2, 3]) child.send({ type: 'say', n });
    await waitUntil('all was said', () => child.messages.length === 4);
    expect([(await child.next('echo')).n, (await child.next('echo')).n]).toEqual([1, 2]);
    expect((await child.next('echo')).n).toBe(3);
  });

  it('reports a clean exit, and keeps the messages readable', async () => {
    await using child = ChildScript.start(script);
    await child.next('hello');
    child.send({ type: 'say', n: 1 });
    child.endInput();
    expect(await child.exited).toEqual({ code: 0, signal: null, stderr: '' });
    expect((await child.next('echo')).n).toBe(1);
  });

  it('rejects a wait for a message that never comes, with the exit code and the stderr', async () => {
    await using child = ChildScript.start(script);
    const never = child.next('never');
    child.send({ type: 'fail' });
    await expect(never).rejects.toThrow(/exit code 3\) without saying "never"[^]*told to fail/);
    await expect(child.next('again')).rejects.toThrow(/exit code 3/);
  });

  it('kills with the signal it is given', async () => {
    await using child = ChildScript.start(script);
    await child.next('hello');
    expect(await child.kill('SIGTERM')).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  it('sends nothing while suspended, and continues afterwards', async () => {
    await using child = ChildScript.start(script);
    await child.next('hello');
    child.freeze();
    child.send({ type: 'say', n: 1 });
    const echo = child.next('echo');
    const silent = new Promise((resolve) => setTimeout(() => resolve('silent'), 300));
    expect(await Promise.race([echo, silent])).toBe('silent');
    child.thaw();
    expect((await echo).n).toBe(1);
  });
});
