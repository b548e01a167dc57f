import { randomUUID } from 'node:crypto';
import { LockConfigError, LockUnavailableError } from '../../errors/index.js';
import { monotonic } from '../../time/clock.js';
import { sleep } from '../../time/timer.js';
import type { LockStore } from '../lock-store.js';
import { UnexpectedReply } from './scripts/answers.js';
import type { ConnectionWatch } from './connection/connection-watch.js';
import type { TestPlace } from './topology.js';

const CONNECT_RETRY_MS = 100;

/** The members of the store that start-up uses. */
export interface StartingStore extends Pick<LockStore, 'acquire' | 'renew' | 'inspect' | 'release' | 'forceRelease'> {
  readonly connection: Pick<ConnectionWatch, 'whenReady'>;
  readonly closed: boolean;
  /** For each server, a new lock name that it is responsible for. */
  testPlaces(newName: () => string): readonly TestPlace[];
  /** Finds out which keys the server accepts in one call. */
  learnKeys(): Promise<void>;
  /** Tests the permissions that only some requests need, on the server that stores this lock. */
  testOthers(place: TestPlace): Promise<void>;
  /** Removes the data of a test. Never rejects. */
  tidyUp(name: string): Promise<void>;
}

/**
 * Connects a store and tests each permission that locks need, on each server that stores locks. If one of several
 * servers denies a permission, start-up fails. An unreachable server is tolerated while another works, since it may
 * come back.
 */
export async function startUp(store: StartingStore, timeoutMs: number): Promise<void> {
  const end = monotonic() + timeoutMs;
  for (;;) {
    try {
      await store.connection.whenReady(Math.max(1, Math.ceil(end - monotonic())));
      const isLast = (): boolean => monotonic() + CONNECT_RETRY_MS >= end;
      await testAll(store, timeoutMs, isLast);
      return;
    } catch (error) {
      if (error instanceof LockUnavailableError && error.cause instanceof UnexpectedReply) {
        throw new LockConfigError(error.cause.message, undefined, { cause: error.cause });
      }
      // A temporary failure (the server is loading or slow) is retried until the time is over.
      const hopeless = store.closed || !isPassing(error);
      if (hopeless || monotonic() + CONNECT_RETRY_MS >= end) throw error;
      await sleep(CONNECT_RETRY_MS);
    }
  }
}

/** @param isLast whether no time is left for another attempt */
async function testAll(store: StartingStore, timeoutMs: number, isLast: () => boolean): Promise<void> {
  await store.learnKeys();
  const places = store.testPlaces(() => `probe:${randomUUID()}`);
  const failures = await Promise.all(
    places.map(async (place) => {
      try {
        await test(store, place, timeoutMs);
        return undefined;
      } catch (error) {
        return labelled(error, place);
      }
    }),
  );
  const failed = failures.filter((failure) => failure !== undefined);
  const worst = failed.find((failure) => !isPassing(failure)) ?? failed[0];
  if (worst === undefined || (isPassing(worst) && failed.length < places.length && isLast())) return;
  throw worst;
}

/** Tests every permission that locks need, with a separate lock name. */
async function test(store: StartingStore, place: TestPlace, timeoutMs: number): Promise<void> {
  const { name } = place;
  const owner = `${randomUUID()}:0`;
  const lease = Math.max(1_000, timeoutMs);
  const request = { name, owner, leaseMs: lease, minReplicas: 0 };
  await store.acquire({ ...request, tokens: 1, waits: false });
  await store.renew({ ...request, number: 0, exact: false });
  await store.testOthers(place);
  await store.inspect(name);
  await store.release(name, owner, 0);
  await store.forceRelease(name);
  await store.tidyUp(name);
}

function isPassing(error: unknown): boolean {
  return error instanceof LockUnavailableError && error.retryable;
}

/** Adds the address of the server to the error if there are several. */
function labelled(error: unknown, { label }: TestPlace): Error {
  if (!(error instanceof LockUnavailableError)) return error instanceof Error ? error : new Error(String(error));
  if (label === '') return error;
  return new LockUnavailableError(`the master ${label}: ${error.reason}`, error.lockName, error);
}
