import type { Reporter } from '../../../telemetry/reporter.js';
import type { RedisClient } from './redis-client.js';

const KEYS = ['username', 'password', 'sentinelUsername', 'sentinelPassword'] as const;
const AUTH_ERROR = /^(WRONGPASS|NOAUTH|ERR invalid password|ERR AUTH)/;

export type Credentials = Partial<Record<(typeof KEYS)[number], unknown>>;

/** The credentials in the options of a client, which a caller may change at run time. */
export function credentialsOf(options: object | undefined): Credentials {
  if (options === undefined) return {};
  const given = KEYS.filter((key) => Reflect.get(options, key) !== undefined);
  return Object.fromEntries(given.map((key) => [key, Reflect.get(options, key) as unknown]));
}

/** Whether a server rejected the user or the password of a connection. */
export function isAuthError({ message }: Error): boolean {
  return AUTH_ERROR.test(message);
}

export function sameCredentials(a: Credentials, b: Credentials): boolean {
  return KEYS.every((key) => a[key] === b[key]);
}

/**
 * Copies the current credentials of `client` to `copy` before each reconnection. ioredis reads them when it connects.
 */
export function followCredentials(copy: RedisClient, client: RedisClient, reporter: Reporter | undefined): RedisClient {
  const takeOver = (): void => {
    if (copy.options === undefined || client.options === undefined) return;
    const { options } = client;
    for (const key of KEYS) {
      const value: unknown = Reflect.get(options, key);
      if (value !== Reflect.get(copy.options, key)) Reflect.set(copy.options, key, value);
    }
  };
  copy.on('close', takeOver);
  copy.on('end', takeOver);
  return reportRefusals(copy, reporter);
}

/** Warns when the server rejects the credentials of `copy`, once until it accepts them again. */
export function reportRefusals(copy: RedisClient, reporter: Reporter | undefined): RedisClient {
  let reported = false;
  copy.on('ready', () => {
    reported = false;
  });
  copy.on('error', (error) => {
    if (reported || !(error instanceof Error) || !isAuthError(error)) return;
    reported = true;
    const [code = ''] = error.message.split(' ');
    reporter?.warn(
      'credentials',
      `A connection that was made from your Redis client cannot authenticate (${code}), so waiters may get locks late, and ` +
        `"minReplicas" cannot be met. If the password was changed at run time with AUTH only, change it in the options of ` +
        `the client as well (client.options.password): ioredis needs it for every reconnection.`,
    );
  });
  return copy;
}
