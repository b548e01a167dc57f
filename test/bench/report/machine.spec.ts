import { describe, expect, it } from '@jest/globals';
import { describeMachine, redisVersion, systemName } from './machine.js';

describe('the machine of a run', () => {
  it('names the server as it names itself', () => {
    expect(redisVersion('# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n')).toBe('Redis 7.0.15');
    expect(redisVersion('redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n')).toBe('Valkey 8.1.0');
  });

  it('names the distribution', () => {
    expect(systemName('ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')).toBe(
      'Debian GNU/Linux 12 (bookworm)',
    );
    expect(systemName('')).toBe('unknown');
  });

  it('has a processor, cores and memory', () => {
    const { cpu, cores, memoryGiB, node } = describeMachine('redis_version:7.0.15\r\n');
    expect(cpu).not.toBe('');
    expect(cores).toBeGreaterThan(0);
    expect(memoryGiB).toBeGreaterThan(0);
    expect(`v${node}`).toBe(process.version);
  });
});
