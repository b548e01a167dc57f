import { AsyncResource } from 'node:async_hooks';
import { from, isObservable, Observable, Subject, takeUntil } from 'rxjs';
import { LockBusyError, LockConfigError } from '../errors/index.js';
import type { LockService } from '../lock.service.js';
import type { AcquireOptions } from '../options/acquire-options.js';
import type { NamedLock } from '../options/named-locks.js';
import type { PermitOptions } from '../options/semaphore-options.js';
import { channels } from '../telemetry/channels.js';
import { modeOf } from '../telemetry/message-mode.js';
import type { SkippedMessage } from '../telemetry/messages.js';
import { onAbort } from '../time/on-abort.js';
import type { DecoratorPlan } from './decorator-options.js';

/** The service, the lock's name, or names, and the options for one call. */
export interface LockRequest {
  readonly service: LockService;
  readonly names: string | readonly (string | NamedLock)[];
  readonly options: PermitOptions;
  /** For a semaphore: how many permits there are. */
  readonly permits?: number | undefined;
}

/** One call that runs under a lock. */
export interface LockedCall<Args extends readonly unknown[]> {
  /** The name of the called method in messages. */
  readonly title: string;
  readonly plan: DecoratorPlan<Args>;
  readonly args: Args;
  /** Throws if there is no service, if the arguments do not give a valid name, or if an option is not valid. */
  request(): LockRequest;
  /** The code that runs under the lock. */
  run(): unknown;
}

/** One call that runs under a lock and returns a stream. */
export interface LockedStream<Args extends readonly unknown[]> extends Omit<LockedCall<Args>, 'request'> {
  request(): LockRequest | Promise<LockRequest>;
  /**
   * Called when the stream has ended, or its subscriber has unsubscribed. Returns whether the stream must continue
   * until it emits. `false`, the default, means that unsubscribing ends the work.
   */
  abandon?(): boolean;
  /** Resolves when the work that continues after the end of the stream is done; `undefined` if there is none. */
  unfinished?(): Promise<void> | undefined;
}

/** Runs `call` under its lock and resolves with its result once the lock is released. */
export async function promiseUnderLock<Args extends readonly unknown[]>(call: LockedCall<Args>): Promise<unknown> {
  const progress = { entered: false };
  let request: LockRequest | undefined;
  try {
    request = call.request();
    return await enter(request, async () => {
      progress.entered = true;
      const result = await call.run();
      if (isObservable(result)) throw streamInPromiseMode(call.title);
      return result;
    });
  } catch (error) {
    // A busy error from inside the method belongs to another lock, and is passed on.
    if (progress.entered || request === undefined || !(error instanceof LockBusyError)) throw error;
    return answerBusy(call, request, error);
  }
}

/**
 * Like `promiseUnderLock`, for a method whose return type is unknown. If it returns an Observable, its caller does not
 * handle the rejection of a promise, and gets the error when it uses the Observable.
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
 * Returns a stream that takes the lock on subscription, then runs `call` and forwards its stream. The lock is released
 * when that stream completes or fails, before the subscriber is notified, or when the subscriber unsubscribes. If
 * `call` has unfinished work then, the subscriber is notified first, and the lock is released when the work is done.
 */
export function streamUnderLock<Args extends readonly unknown[]>(call: LockedStream<Args>): Observable<unknown> {
  return new Observable((subscriber) => {
    const aborter = new AbortController();
    const stop = new Subject<void>();
    const progress = { entered: false, emitted: false, left: false };
    // The subscriber's code is not part of the section, and must not join the lease.
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
    const unlink = onAbort(call.plan.acquire.signal, (reason) => {
      aborter.abort(reason);
    });
    const section = async () => {
      progress.entered = true;
      unlink();
      if (subscriber.closed) return;
      const source = call.run();
      // If it is a promise, the lock is held until the promise is settled.
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
      let request: LockRequest | undefined;
      try {
        request = await call.request();
        await enter({ ...request, options: { ...request.options, signal: aborter.signal } }, section);
      } catch (error) {
        unlink();
        if (progress.entered || request === undefined || !(error instanceof LockBusyError)) throw error;
        const answer = answerBusy(call, request, error);
        await forward(isObservable(answer) ? from(answer) : from(Promise.resolve(answer)));
      }
    };
    /** Reports the end of the stream. The subscriber ignores every end after the first. */
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

function enter<T>({ service, names, options, permits }: LockRequest, section: () => Promise<T>): Promise<T> {
  if (permits === undefined) return service.withLock(names as string, section, options);
  return service.semaphore(names as string, { permits }).withPermit(section, options);
}

function answerBusy<Args extends readonly unknown[]>(
  { plan, args }: Pick<LockedCall<Args>, 'plan' | 'args'>,
  request: LockRequest,
  busy: LockBusyError,
): unknown {
  if (plan.onBusy === 'throw') throw busy;
  if (plan.onBusy === 'skip') {
    if (channels.skipped.hasSubscribers) channels.skipped.publish(skippedMessage(request, busy.lockName ?? ''));
    return undefined;
  }
  return plan.onBusy(busy, ...args);
}

function skippedMessage({ names, options, permits }: LockRequest, name: string): SkippedMessage {
  const locks = typeof names === 'string' ? [names] : names;
  const known = locks.find((lock): lock is NamedLock => typeof lock !== 'string' && lock.name === name);
  const label = known?.label ?? options.label;
  // @WithPermit has no option "mode".
  const { mode } = options as AcquireOptions;
  return { name, label, mode: modeOf({ mode, permits }), reason: 'busy' };
}

function streamInPromiseMode(title: string): LockConfigError {
  return new LockConfigError(
    `${title} is used as an Observable, but its lock was held only during the call: the compiler recorded no return type ` +
      `Observable. Add the option returns: 'observable'. Types that are imported with "import type" are not recorded.`,
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
