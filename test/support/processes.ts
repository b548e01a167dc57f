import { execFileSync } from 'node:child_process';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** As `ps` has it. */
  readonly state: string;
}

/** The pids of all processes that `pid` started, and that those started. */
export function descendantsOf(pid: number): number[] {
  return processesBelow(pid).map((process) => process.pid);
}

/** Those of them that were stopped (SIGSTOP) and not continued yet: in one look, since they may not stay so for long. */
export function stoppedBelow(pid: number): number[] {
  return processesBelow(pid)
    .filter(({ state }) => state.startsWith('T'))
    .map((process) => process.pid);
}

function processesBelow(pid: number): Process[] {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=']).toString().trim().split('\n').map(processOf);
  const found: Process[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

function processOf(line: string): Process {
  const [pid, parent, state] = line.trim().split(/\s+/);
  return { pid: Number(pid), parent: Number(parent), state: state! };
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
