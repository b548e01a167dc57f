import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is truthy and returns it. The limit is only there so that a failing test ends and says what it
 * waited for; it is no statement about speed.
 */
export async function waitUntil<T>(what: string, ask: () => T | Promise<T>, limitMs = 20_000): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`Waited ${limitMs} ms in vain until ${what}.`);
    await sleep(10);
  }
}
