import { hostname } from 'node:os';
import { wall } from '../time/clock.js';
import type { LockHolder } from '../lock-holder.js';

/** The name and the version of the service that a process runs. */
export interface ServiceIdentity {
  readonly name: string | undefined;
  readonly version: string | undefined;
}

const MAX_CHARS = 255;

/** This process as a holder. */
export function thisHolder({ name, version }: ServiceIdentity): LockHolder {
  return { host: hostname(), pid: process.pid, service: name, version, since: new Date(wall()) };
}

export function writeRecord({ since, ...others }: LockHolder): string {
  return JSON.stringify({ ...others, since: since.getTime() });
}

/** `undefined` if it is no record: any user of the server may have written it. */
export function readRecord(text: string): LockHolder | undefined {
  try {
    const { host, pid, service, version, since } = JSON.parse(text) as Record<string, unknown>;
    if (!isText(host) || !Number.isSafeInteger(pid) || !Number.isSafeInteger(since)) return undefined;
    return {
      host,
      pid: pid as number,
      service: isText(service) ? service : undefined,
      version: isText(version) ? version : undefined,
      since: new Date(since as number),
    };
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_CHARS;
}
