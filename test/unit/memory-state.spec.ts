import { describe, expect, it } from '@jest/globals';
import { MemoryState } from 'nestjs-redis-lock';

describe('the state of the memory store', () => {
  it('reserves no token twice, also when it is flushed between two reservations of the same millisecond', () => {
    const state = new MemoryState();
    const tokens: number[] = [];
    for (let round = 0; round < 100; round += 1) {
      for (const count of [4, 1]) {
        const first = state.reserveTokens('name', count);
        for (let at = 0; at < count; at += 1) tokens.push(first + at);
        state.flush();
      }
    }
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});
