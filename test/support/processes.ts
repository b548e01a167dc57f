import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** One letter first: `S` sleeping, `R` running, `T` stopped, `Z` zombie. */
  readonly state: string;
  readonly command: string;
}

/** The pids of all processes that `pid` started, and of those that they started. */
export function descendantsOf(pid: number): number[] {
  return processesBelow(pid).map((process) => process.pid);
}

/** The descendants that were stopped (SIGSTOP) and not continued yet: in one look, since they may not stay so for long. */
export function stoppedBelow(pid: number): number[] {
  return processesBelow(pid)
    .filter(({ state }) => state.startsWith('T'))
    .map((process) => process.pid);
}

/** The one of some processes whose command line contains `part`. */
export function processWith(part: string, pids: readonly number[]): number {
  const found = allProcesses().filter(({ pid, command }) => pids.includes(pid) && command.includes(part));
  if (found.length !== 1) throw new Error(`${found.length} processes have "${part}" in their command line, not one.`);
  return found[0]!.pid;
}

/** The ones of some processes whose command line matches, those that have ended left out. */
export function processesMatching(pattern: RegExp, pids: readonly number[]): number[] {
  return allProcesses()
    .filter(({ pid, command }) => pids.includes(pid) && pattern.test(command))
    .map(({ pid }) => pid);
}

/** Sends a signal, unless the process has ended: between a look at it and a signal it may. */
export function signalIfRunning(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a process exists and is not a zombie. */
export function isRunning(pid: number): boolean {
  const process = allProcesses().find((each) => each.pid === pid);
  return process !== undefined && !process.state.startsWith('Z');
}

function processesBelow(pid: number): Process[] {
  const all = allProcesses();
  const found: Process[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** A minimal Debian has no `ps`, and macOS has no `/proc`. */
function allProcesses(): Process[] {
  return existsSync('/proc/self/stat') ? fromProc() : fromPs();
}

function fromProc(): Process[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
        const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(pid), parent: Number(parent), state, command }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
}

function fromPs(): Process[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args=']).toString().trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, state = '', ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state, command: command.join(' ') };
  });
}
