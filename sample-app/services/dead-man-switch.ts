import { spawn } from 'node:child_process';

/**
 * Sends `signal` to the process `pid` when this process ends without having called the returned function, even after
 * `kill -9`. A shell waits on a pipe that the operating system closes with this process.
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
