import { execFileSync } from 'node:child_process';

/** The pids of all processes that `pid` started, and that those started. */
export function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const line of execFileSync('ps', ['-eo', 'pid=,ppid=']).toString().trim().split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    parents.set(child!, parent!);
  }
  const found = [pid];
  for (const parent of found) {
    for (const [child, itsParent] of parents) if (itsParent === parent) found.push(child);
  }
  return found.slice(1);
}

/** The one of some processes whose command line has `part` in it. */
export function processWith(part: string, pids: readonly number[]): number {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '-p', pids.join(',')])
    .toString()
    .split('\n');
  const found = lines.filter((line) => line.includes(part));
  if (found.length !== 1) throw new Error(`${found.length} processes have "${part}" in their command line, not one.`);
  return Number.parseInt(found[0]!, 10);
}

/** Whether a process was stopped (SIGSTOP) and not continued yet. */
export function isStopped(pid: number): boolean {
  return stateOf(pid).startsWith('T');
}

/** Whether a process is there and does not just wait to be cleared away (a zombie). */
export function isRunning(pid: number): boolean {
  const state = stateOf(pid);
  return state !== '' && !state.startsWith('Z');
}

/** As `ps` has it; empty when there is no such process. */
function stateOf(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)]).toString();
  } catch {
    return '';
  }
}
