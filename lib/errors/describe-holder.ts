import type { LockHolder } from '../lock-holder.js';
import { escapeControls } from './quote-name.js';

/** A holder for a message or a log line: `shop 1.2.0 on host web-1, pid 7`. */
export function describeHolder({ host, pid, service, version }: LockHolder): string {
  const name = service === undefined ? 'a process' : [service, version].filter(Boolean).join(' ');
  return escapeControls(`${name} on host ${host}, pid ${String(pid)}`);
}
