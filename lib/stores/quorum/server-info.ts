import { LockConfigError } from '../../errors/index.js';

/**
 * The run id of a server, from its reply to INFO.
 *
 * @param needed whether a run id is required
 * @throws LockConfigError if the server cannot vote
 */
export function runIdOf(info: string, needed: boolean): string | undefined {
  if (/^role:slave/m.test(info)) {
    throw new LockConfigError('it is a replica, which cannot grant locks: name a master instead.');
  }
  const runId = /^run_id:(\S+)/m.exec(info)?.[1];
  if (needed && runId === undefined) {
    throw new LockConfigError('it reports no "run_id", so a restart would not be detected ("restartGuard").');
  }
  return runId;
}
