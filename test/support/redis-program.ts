import { execFileSync, spawnSync } from 'node:child_process';
import { findRedisProgram } from '../../sample-app/services/find-program.js';

/** The major version of the installed server program, as Redis counts it; Valkey 7 and later count on from Redis 7. */
export function redisMajor(): number {
  return Math.floor(redisVersion());
}

/** Its major and minor version: 7.2 for 7.2.5. */
export function redisVersion(): number {
  const program = findRedisProgram();
  if (program === undefined) throw new Error('There is no redis-server or valkey-server on the PATH.');
  const match = /v=(\d+\.\d)/.exec(execFileSync(program, ['--version']).toString());
  return Number(match?.[1] ?? 7);
}

/** Settings that allow `DEBUG` from this machine; before 7 it was always allowed and could not be asked for. */
export function debugAllowed(): string[] {
  return redisMajor() < 7 ? [] : ['--enable-debug-command', 'local'];
}

/** Whether the server program was built with TLS. */
export function knowsTls(): boolean {
  const program = findRedisProgram();
  if (program === undefined) return false;
  // It ends at once: without TLS because it does not know the setting, with TLS because it has no certificate.
  const { stderr, stdout } = spawnSync(program, ['--port', '0', '--tls-port', '1'], {
    encoding: 'utf8',
    timeout: 5_000,
  });
  return `${stderr}${stdout}`.includes('Failed to configure TLS');
}
