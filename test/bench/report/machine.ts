import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** What a run ran on, as one line of text. */
export function describeMachine(redisInfo: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(redisInfo)?.[1];
  const valkey = field('valkey_version');
  const redis =
    valkey === undefined ? `Redis ${field('redis_version') ?? 'of an unknown version'}` : `Valkey ${valkey}`;
  return [
    cpus()[0]?.model.trim() ?? 'unknown processor',
    `${availableParallelism()} cores`,
    `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    `${type()} ${release()}`,
    `Node ${process.versions.node}`,
    `${redis} on the same machine, without persistence`,
    // Much above 0, and other programs took part of the machine.
    `load before the run: ${(loadavg()[0] ?? 0).toFixed(2)}`,
  ].join(', ');
}

/** The commit of the sources, and whether they were changed since; empty outside of a clone. */
export function commitOf(folder: string): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, stdio: 'pipe' }).toString();
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'lib', 'test/bench').trim() !== '';
    return git('rev-parse', '--short', 'HEAD').trim() + (changed ? ', with changes' : '');
  } catch {
    return '';
  }
}
