import { LockConfigError } from '../errors/index.js';
import { MemoryState } from '../stores/memory/memory-state.js';
import { checkKnown, show } from './checks.js';

export const CONNECTIONS = ['url', 'redis', 'cluster', 'quorum', 'client', 'memory'] as const;
/** Options of an ioredis client that belong inside `redis`, and are often given beside it by mistake. */
const REDIS_OPTIONS = ['host', 'port', 'path', 'username', 'password', 'db', 'tls', 'sentinels'];
const MIN_NODES = 3;
const MAX_NODES = 15;

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
  nodes: '{ cluster: { nodes } } or { quorum }',
};

/**
 * Checks the connection: exactly one must be given.
 *
 * @param checkOthers checks the names of all options, once the connection is known
 * @throws LockConfigError that names the option
 */
export function checkConnection(options: object, checkOthers: () => void): void {
  const given = CONNECTIONS.filter((key) => Reflect.get(options, key) !== undefined);
  if (given.length === 0) checkMistaken(options, checkOthers);
  if (given.length !== 1) {
    const what = given.length === 0 ? 'none is given' : `these are given: ${given.join(', ')}`;
    throw new LockConfigError(`Exactly one of ${CONNECTIONS.join(', ')} is needed, but ${what}.`);
  }
  checkOthers();
  const [key] = given;
  const value: unknown = Reflect.get(options, key as string);
  if (key === 'url') checkUrl('url', value);
  if (key === 'cluster') checkCluster(value);
  if (key === 'quorum') checkQuorum(value);
  if (key === 'redis') checkRedisOptions('redis', value);
  if (key === 'memory' && value !== true && !(value instanceof MemoryState)) {
    throw new LockConfigError('"memory" must be true or a MemoryState.');
  }
}

/**
 * Checks the URL of a Redis server. No message contains any part of the URL, since the end of a password that is not
 * encoded is unknown.
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
 * Checks the ioredis options of one server whose wrong values would otherwise be found late.
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
 * Checks one of the nodes through which a cluster is discovered.
 *
 * @throws LockConfigError that names the option
 */
export function checkClusterNode(option: string, node: unknown): void {
  if (typeof node === 'number') checkNumber(option, node, 1, MAX_PORT);
  else if (typeof node === 'object' && node !== null) checkRedisOptions(option, node);
  else if (typeof node !== 'string' || node === '' || node.includes('://')) checkUrl(option, node);
  else checkParts(option, `redis://${node}`);
}

/**
 * Node and ioredis would quote an invalid URL in full, with its password, and parse some invalid URLs in an unexpected
 * way.
 */
function checkParts(option: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const readable =
    url !== undefined &&
    url.port !== '0' &&
    !text.includes('#') &&
    /^(\/\d*)?$/.test(url.pathname) &&
    // The text after a "?" in a password looks like options.
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

/** @param shown whether the value may be shown in a message */
function checkText(option: string, value: unknown, shown: boolean): void {
  if (value === undefined || value === null || (typeof value === 'string' && (value !== '' || !shown))) return;
  if (value === '') throw new LockConfigError(`"${option}" is an empty string. ${UNSET}`);
  const what = shown ? show(value) : `a ${typeof value}`;
  throw new LockConfigError(`"${option}" must be a string, but is ${what}.`);
}

/** ioredis also accepts a number as a string. */
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

function checkCluster(cluster: unknown): void {
  if (typeof cluster !== 'object' || cluster === null) {
    throw new LockConfigError('"cluster" must be an object: { nodes: [url | { host, port }, …], options }.');
  }
  checkKnown('"cluster"', cluster, ['nodes', 'options']);
  const { nodes, options } = cluster as Record<string, unknown>;
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw new LockConfigError('"cluster" needs at least one of its nodes in "nodes".');
  }
  for (const node of nodes as unknown[]) checkClusterNode('cluster.nodes', node);
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    throw new LockConfigError('"options" of "cluster" must be an object of ioredis options.');
  }
  const redisOptions: unknown = Reflect.get(options, 'redisOptions');
  if (redisOptions !== undefined) checkRedisOptions('cluster.options.redisOptions', redisOptions);
}

function checkQuorum(nodes: unknown): void {
  if (!Array.isArray(nodes) || nodes.length < MIN_NODES || nodes.length > MAX_NODES) {
    throw new LockConfigError(
      `"quorum" must be a list of ${String(MIN_NODES)} to ${String(MAX_NODES)} Redis servers; an odd number is recommended.`,
    );
  }
  for (const node of nodes as unknown[]) {
    if (typeof node === 'string' || node === undefined) checkUrl('quorum', node);
    else if (typeof node === 'object' && node !== null) checkRedisOptions('quorum', node);
    else {
      throw new LockConfigError(
        `Each server of "quorum" must be a URL or an object of ioredis options, but one is ${show(node)}.`,
      );
    }
  }
  const urls = nodes.filter((node) => typeof node === 'string');
  if (new Set(urls).size < urls.length)
    throw new LockConfigError('"quorum" names a server twice: it would have two votes.');
}

/**
 * Called if no connection is given. Throws if the likely mistake is known: an unset environment variable, a former
 * option name, or options of the server in the wrong place.
 */
function checkMistaken(options: object, checkNames: () => void): void {
  const unset = CONNECTIONS.find((key) => key in options);
  if (unset !== undefined) throw new LockConfigError(`"${unset}" is undefined. Is the environment variable set?`);
  const misplaced = REDIS_OPTIONS.find((key) => key in options);
  if (misplaced === undefined) {
    checkNames();
    return;
  }
  throw new LockConfigError(
    `"${misplaced}" is an option of the Redis client. Write { redis: { host, port } }, or { url: 'redis://host:6379' }.`,
  );
}
