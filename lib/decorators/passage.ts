import { AsyncLocalStorage } from 'node:async_hooks';
import { EMPTY, isObservable } from 'rxjs';
import { LockConfigError } from '../errors/index.js';

/** One request that runs under the lock of one `@UseLock`: a request has a passage for each of its locks. */
export class Passage {
  private ended = false;
  private abandoned = false;
  private promised = false;
  private streams = false;
  private readonly running = new Set<Promise<unknown>>();

  /**
   * @param lock identifies the `@UseLock`
   * @param request identifies the request
   * @param outer the passage of the next lock outside of this one
   */
  constructor(
    readonly lock: object,
    readonly request: object,
    readonly outer: Passage | undefined,
  ) {}

  /** Whether code of this request still runs under the lock: the stream has not ended, or a promise is not settled. */
  get open(): boolean {
    return !this.ended || this.running.size > 0;
  }

  /** The interceptors and the handler under the lock have completed, failed or been unsubscribed from. */
  end(): void {
    this.ended = true;
  }

  /** Resolves when every promise that the handler returned is settled; `undefined` if all of them are. */
  unfinished(): Promise<void> | undefined {
    return this.running.size === 0 ? undefined : this.untilFinished();
  }

  /**
   * Called when the stream of the interceptor has ended, or was unsubscribed from, for example since the client has
   * disconnected. Returns whether the handler must still run to its end, since it returned a promise.
   */
  abandon(): boolean {
    this.abandoned = true;
    return this.promised && !this.streams;
  }

  /** Called when the handler has returned a promise. */
  begin(work: Promise<unknown>): void {
    this.promised = true;
    this.running.add(work);
  }

  /** Called when the promise is settled. */
  finish(work: Promise<unknown>): void {
    this.running.delete(work);
  }

  /** Called when the promise has resolved with `stream`. Returns the stream that Nest subscribes to. */
  startStream(stream: unknown): unknown {
    this.streams = true;
    return this.abandoned ? EMPTY : stream;
  }

  private async untilFinished(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled(this.running);
  }
}

interface Position {
  readonly passage: Passage;
  /** Whether the code is called by the handler, and not by Nest before the handler. */
  readonly inHandler: boolean;
}

interface Handler {
  readonly title: string;
  readonly original: (...args: unknown[]) => unknown;
}

const positions = new AsyncLocalStorage<Position>();

/**
 * The innermost open passage of the calling code. Ended ones are skipped, so that a chain of requests does not keep
 * them in memory.
 */
export function currentPassage(): Passage | undefined {
  let passage = positions.getStore()?.passage;
  while (passage?.open === false) passage = passage.outer;
  return passage;
}

/** Runs the inner interceptors and the handler in `passage`. */
export function inPassage<Result>(passage: Passage, run: () => Result): Result {
  return positions.run({ passage, inHandler: false }, run);
}

/** Whether `request` is already being handled under `lock`. */
export function isPassing(lock: object, request: object): boolean {
  return enclosingPassages().some((passage) => passage.lock === lock && passage.request === request);
}

/**
 * Whether the calling code may run the handler that `lock` guards: it runs under the lock, or Nest is about to call the
 * handler.
 */
export function hasPassed(lock: object): boolean {
  const inHandler = positions.getStore()?.inHandler === true;
  return enclosingPassages().some((passage) => passage.lock === lock && (passage.open || !inHandler));
}

function enclosingPassages(): Passage[] {
  const passages: Passage[] = [];
  for (let each = positions.getStore()?.passage; each !== undefined; each = each.outer) passages.push(each);
  return passages;
}

/**
 * Calls a handler. If Nest calls it and it returns a promise, its locks are held until the promise is settled.
 *
 * @throws LockConfigError if the request ended, and its locks were released, before Nest called the handler
 */
export function callHandler({ title, original }: Handler, instance: unknown, args: unknown[]): unknown {
  const position = positions.getStore();
  if (position === undefined || position.inHandler) return Reflect.apply(original, instance, args);
  const { passage } = position;
  if (!passage.open)
    throw new LockConfigError(`${title} was not run: its request has ended, and its lock is released.`);
  const result = positions.run({ passage, inHandler: true }, () => Reflect.apply(original, instance, args));
  // Nest gets a real promise instead, since a lazy query runs again at each call of `then`.
  return isThenable(result) ? follow(Promise.resolve(result), passage) : result;
}

/** Keeps all passages of the request open until `work` is settled. */
async function follow(work: Promise<unknown>, innermost: Passage): Promise<unknown> {
  const passages: Passage[] = [];
  const { request } = innermost;
  for (let each: Passage | undefined = innermost; each?.request === request; each = each.outer) passages.push(each);
  for (const passage of passages) passage.begin(work);
  try {
    const result = await work;
    return isObservable(result)
      ? passages.reduce<unknown>((stream, passage) => passage.startStream(stream), result)
      : result;
  } finally {
    for (const passage of passages) passage.finish(work);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof Reflect.get(value, 'then') === 'function';
}
