import { LockConfigError } from './errors/index.js';
import { show } from './show-value.js';

const ENCODE =
  'Percent-encode special characters in the user name and the password (encodeURIComponent turns # into %23), and use a ' +
  'port from 1 to 65535: redis://user:password@host:6379/0.';
const UNSET = 'Is the environment variable set?';
const MAX_PORT = 65_535;

/** Options of other clients and of this module, which ioredis would silently ignore. */
const NO_IOREDIS_OPTIONS: Readonly<Record<string, string>> = {
  url: '{ url }',
  uri: '{ url }',
  socket: '{ redis: { host, port } }',
  cluster: '{ cluster: { nodes } }',
  nodes: '{ cluster: { nodes } } or { nodes }',
};

/**
 * Checks the URL of a Redis server. No message holds any part of it: where a password is not encoded, nobody knows where it
 * ends.
 *
 * @throws LockConfigError that names the option
 */
export function checkUrl(option: string, value: unknown): void {
  if (value === undefined || value === '') {
    const what = value === undefined ? 'undefined' : 'an empty string';
    throw new LockConfigError(`"${option}" is ${what}. ${UNSET}`);
  }
  if (typeof value !== 'string' || !/^(rediss?|unix):\/\//.test(value)) {
    throw new LockConfigError(`"${option}" must be a string that begins with redis:// or rediss://.`);
  }
  if (!value.startsWith('unix:')) checkParts(option, value);
}

/**
 * Checks ioredis options of one server as far as a wrong value would be noticed late.
 *
 * @throws LockConfigError that names the option
 */
export function checkRedisOptions(option: string, value: unknown): void {
  if (typeof value === 'string') {
    throw new LockConfigError(
      `"${option}" must be an object of ioredis options, not a string. For a URL, use { url }.`,
    );
  }
  if (typeof value !== 'object' || value === null) {
    throw new LockConfigError(`"${option}" must be an object of ioredis options, but is ${show(value)}.`);
  }
  const options = value as Record<string, unknown>;
  for (const [key, instead] of Object.entries(NO_IOREDIS_OPTIONS)) {
    if (key in options) throw new LockConfigError(`"${option}.${key}" is no option of ioredis. Use ${instead}.`);
  }
  const { port, db, sentinels } = options;
  for (const key of ['host', 'path']) checkText(`${option}.${key}`, options[key], true);
  for (const key of ['username', 'password']) checkText(`${option}.${key}`, options[key], false);
  checkNumber(`${option}.port`, port, 1, MAX_PORT);
  checkNumber(`${option}.db`, db, 0, 2 ** 31 - 1);
  if (sentinels !== undefined && sentinels !== null) checkSentinels(option, sentinels, options.name);
}

/**
 * Checks one of the nodes by which a cluster is found.
 *
 * @throws LockConfigError that names the option
 */
export function checkClusterNode(option: string, node: unknown): void {
  if (typeof node === 'number') checkNumber(option, node, 1, MAX_PORT);
  else if (typeof node === 'object' && node !== null) checkRedisOptions(option, node);
  else if (typeof node !== 'string' || node === '' || node.includes('://')) checkUrl(option, node);
  else checkParts(option, `redis://${node}`);
}

/** Node and ioredis would report a URL that they cannot read with all that is in it, and read some in an unexpected way. */
function checkParts(option: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const readable =
    url !== undefined &&
    url.port !== '0' &&
    !text.includes('#') &&
    /^(\/\d*)?$/.test(url.pathname) &&
    // Where a password has a "?", what follows it looks like options.
    !/^\?[^=&]*@/.test(url.search) &&
    isEncoded(url.username) &&
    isEncoded(url.password);
  if (readable) return;
  const unset = /\bundefined\b/.test(text) ? ` It contains "undefined". ${UNSET}` : '';
  throw new LockConfigError(`"${option}" is not a valid Redis URL. ${ENCODE}${unset}`);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** @param shown whether the value may stand in a message */
function checkText(option: string, value: unknown, shown: boolean): void {
  if (value === undefined || value === null || (typeof value === 'string' && (value !== '' || !shown))) return;
  if (value === '') throw new LockConfigError(`"${option}" is an empty string. ${UNSET}`);
  const what = shown ? show(value) : `a ${typeof value}`;
  throw new LockConfigError(`"${option}" must be a string, but is ${what}.`);
}

/** ioredis also takes a number as a string. */
function checkNumber(option: string, value: unknown, min: number, max: number): void {
  if (value === undefined || value === null) return;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return;
  const unset = Number.isNaN(value) || value === '' ? ` ${UNSET}` : '';
  throw new LockConfigError(
    `"${option}" must be a whole number from ${String(min)} to ${String(max)}, but is ${show(value)}.${unset}`,
  );
}

function checkSentinels(option: string, sentinels: unknown, name: unknown): void {
  if (!Array.isArray(sentinels) || sentinels.length === 0) {
    throw new LockConfigError(`"${option}.sentinels" must be a list of Sentinels: [{ host, port }, …].`);
  }
  for (const sentinel of sentinels as unknown[]) checkRedisOptions(`${option}.sentinels`, sentinel);
  if (typeof name === 'string' && name !== '') return;
  throw new LockConfigError(`"${option}.name" must be the name by which the Sentinels know the master.`);
}
