import { AsyncResource } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { from, isObservable, Observable, Subject, takeUntil } from 'rxjs';
import { LockBusyError, LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import type { AcquireOptions } from '../options/acquire-options.js';
import { channels } from '../telemetry/channels.js';
import type { DecoratorPlan } from './decorator-options.js';

/** The service, the lock's name, or names, and the options for one call. */
export interface LockRequest {
  readonly service: LockService;
  readonly names: string | readonly string[];
  readonly options: AcquireOptions;
}

/** One call of something that runs under a lock. */
export interface LockedCall<Args extends readonly unknown[]> {
  /** How messages name what is called. */
  readonly title: string;
  readonly plan: DecoratorPlan<Args>;
  readonly args: Args;
  /** Throws where there is no service, or where no name can be made of the arguments or an option cannot be used. */
  request(): LockRequest;
  /** Runs under the lock. */
  run(): unknown;
}

/** One call of something that runs under a lock and returns a stream. */
export interface LockedStream<Args extends readonly unknown[]> extends Omit<LockedCall<Args>, 'request'> {
  request(): LockRequest | Promise<LockRequest>;
  /**
   * The subscriber of the stream has left. Returns whether the stream must run on until it emits: `false` where its
   * teardown ends the work. Left out, it does.
   */
  abandon?(): boolean;
  /** Resolves when the work is over that goes on after the end of the stream; `undefined` if there is none. */
  unfinished?(): Promise<void> | undefined;
}

/** Runs `call` under its lock and resolves with its result once the lock is released. */
export async function promiseUnderLock<Args extends readonly unknown[]>(call: LockedCall<Args>): Promise<unknown> {
  const progress = { entered: false };
  try {
    const { service, names, options } = call.request();
    return await service.withLock(
      names as string,
      async () => {
        progress.entered = true;
        const result = await call.run();
        if (isObservable(result)) throw streamInPromiseMode(call.title);
        return result;
      },
      options,
    );
  } catch (error) {
    // A busy error of another lock that the method itself asked for is the method's own.
    if (progress.entered || !(error instanceof LockBusyError)) throw error;
    return answerBusy(call, error);
  }
}

/**
 * As `promiseUnderLock`, for a method of which it is not known that it returns a promise. If it returns an Observable, its
 * caller does not expect a promise and handles no rejection: it gets the error when it uses the Observable.
 */
export function unknownUnderLock<Args extends readonly unknown[]>(call: LockedCall<Args>): Promise<unknown> {
  const handleRejection = () => {
    promise.catch(() => undefined);
  };
  const promise = promiseUnderLock({
    ...call,
    run: () => {
      const result = call.run();
      if (isObservable(result)) handleRejection();
      return result;
    },
  });
  const refuse = () => {
    handleRejection();
    throw streamInPromiseMode(call.title);
  };
  return Object.defineProperties(promise, { subscribe: { value: refuse }, pipe: { value: refuse } });
}

/**
 * A stream that takes the lock when it is subscribed to, then runs `call` and passes its stream on. The lock is released
 * when that stream completes or fails, before the subscriber is notified, or when the subscriber leaves. If `call` says
 * that work goes on, the subscriber is notified and the lock is released when the work is over.
 */
export function streamUnderLock<Args extends readonly unknown[]>(call: LockedStream<Args>): Observable<unknown> {
  return new Observable((subscriber) => {
    const aborter = new AbortController();
    const stop = new Subject<void>();
    const progress = { entered: false, emitted: false, left: false };
    // What the subscriber does with a value is no part of the section: it must not join the lease.
    const outside = new AsyncResource('LockedStream');
    const next = (value: unknown) => {
      if (progress.left) {
        stop.next();
        return;
      }
      progress.emitted = true;
      outside.runInAsyncScope(() => {
        subscriber.next(value);
      });
    };
    const forward = (source: Observable<unknown>) =>
      new Promise<void>((resolve, reject) => {
        source.pipe(takeUntil(stop)).subscribe({ next, error: reject, complete: resolve });
      });
    const unlink = abortWith(aborter, call.plan.acquire.signal);
    const section = async () => {
      progress.entered = true;
      unlink();
      if (subscriber.closed) return;
      const source = call.run();
      // A promise still runs: it keeps the lock until it is settled.
      if (!isObservable(source)) throw await noStreamInStreamMode(call.title, source);
      const ended = forward(from(source));
      await ended.catch(() => undefined);
      const work = call.unfinished?.();
      if (work !== undefined) {
        tell(ended);
        await work;
      }
      await ended;
    };
    const hold = async () => {
      try {
        const { service, names, options } = await call.request();
        const { signal } = aborter;
        await service.withLock(names as string, section, { ...options, signal });
      } catch (error) {
        unlink();
        if (progress.entered || !(error instanceof LockBusyError)) throw error;
        const answer = answerBusy(call, error);
        await forward(isObservable(answer) ? from(answer) : from(Promise.resolve(answer)));
      }
    };
    /** What comes after the first end is dropped by the subscriber. */
    const tell = (end: Promise<void>) => {
      end.then(
        () => {
          outside.runInAsyncScope(() => {
            subscriber.complete();
          });
        },
        (error: unknown) => {
          outside.runInAsyncScope(() => {
            subscriber.error(error);
          });
        },
      );
    };
    tell(hold());
    return () => {
      progress.left = true;
      aborter.abort();
      const runsOn = call.abandon?.() === true && !progress.emitted;
      if (!runsOn) stop.next();
    };
  });
}

function answerBusy<Args extends readonly unknown[]>(
  { plan, args }: Pick<LockedCall<Args>, 'plan' | 'args'>,
  busy: LockBusyError,
): unknown {
  if (plan.onBusy === 'throw') throw busy;
  if (plan.onBusy === 'skip') {
    channels.skipped.publish({ name: busy.lockName });
    return undefined;
  }
  return plan.onBusy(busy, ...args);
}

/**
 * Aborts `aborter` when `signal` aborts, until the function that it returns is called. A signal of `AbortSignal.any` would
 * stay registered with a `signal` that lives as long as the process.
 */
function abortWith(aborter: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => {
    aborter.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  // Many may wait with one signal; Node takes more than ten listeners for a leak.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
  };
}

function streamInPromiseMode(title: string): LockConfigError {
  return new LockConfigError(
    `${title} is used as an Observable, but its lock was only held for the call: the compiler recorded no return type ` +
      `Observable. Add the option returns: 'observable'; a type that is imported by "import type" is not recorded.`,
  );
}

async function noStreamInStreamMode(title: string, result: unknown): Promise<LockConfigError> {
  const got = result instanceof Promise ? 'a promise' : `a value of type ${typeof result}`;
  const [outcome] = await Promise.allSettled([result]);
  return new LockConfigError(
    `${title} is declared to return an Observable, but returned ${got}.`,
    undefined,
    outcome.status === 'rejected' ? { cause: outcome.reason } : undefined,
  );
}
