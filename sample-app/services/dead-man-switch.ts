import { spawn } from 'node:child_process';

/**
 * Sends `signal` to the process `pid` when this process is gone without having called the returned function: after a
 * `kill -9` nobody else could. A shell waits at a pipe that the operating system closes with us.
 */
export function endWithUs(pid: number, signal: NodeJS.Signals): () => void {
  const command = `trap '' INT TERM HUP; read -r over || kill -${signal.replace('SIG', '')} ${String(pid)}`;
  const shell = spawn('sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Where there is no shell, or it was ended before us, there is only this safeguard less.
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return () => {
    shell.stdin.end('over\n');
  };
}
