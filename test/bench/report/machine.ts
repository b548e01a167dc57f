import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { versions } from 'node:process';

/** What a run ran on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** In GiB. */
  readonly memoryGiB: number;
  readonly kernel: string;
  /** The distribution, where it says so. */
  readonly system: string;
  /** Whether a hypervisor was seen, whose other guests can slow a run down. */
  readonly virtual: boolean;
  readonly node: string;
  readonly v8: string;
  readonly redis: string;
  /** Of the minute before the run: much above 0, and others took part of the machine. */
  readonly loadBefore: number;
}

/** @param redis what `INFO server` answers */
export function describeMachine(redis: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
    system: systemName(textOf('/etc/os-release')),
    virtual: textOf('/proc/cpuinfo').includes(' hypervisor'),
    node: versions.node,
    v8: versions.v8,
    redis: redisVersion(redis),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** `Redis 7.0.15`, `Valkey 8.1.0`. */
export function redisVersion(info: string): string {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  return valkey === undefined ? `Redis ${field('redis_version') ?? 'of an unknown version'}` : `Valkey ${valkey}`;
}

/** The name a Linux distribution gives itself. */
export function systemName(osRelease: string): string {
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'unknown';
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

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
