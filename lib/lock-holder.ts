/**
 * The process that holds a lock.
 *
 * @publicApi
 */
export interface LockHolder {
  readonly host: string;
  readonly pid: number;
  /** The name and the version of its service, see the option `service` of the module. */
  readonly service: string | undefined;
  readonly version: string | undefined;
  /** When its lock service was created, by the clock of that process. */
  readonly since: Date;
}
