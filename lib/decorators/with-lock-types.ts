import type { Observable } from 'rxjs';

/** What a method gives its caller in the end: of a promise what it resolves with, of an Observable what it emits. */
type Outcome<Result> = Result extends Observable<infer Value> ? Value : Awaited<Result>;

/** Stands where a decorated method does not fit, so that the compiler's message says why. */
interface Problem<Text extends string> {
  readonly problem: Text;
}

type Fits<Args extends readonly unknown[], Answer, Method extends (...args: never[]) => unknown> = ((
  ...args: Args
) => unknown) extends (...args: Parameters<Method>) => unknown
  ? [Outcome<Answer>] extends [Outcome<ReturnType<Method>>]
    ? unknown
    : Problem<"What 'onBusy' gives the caller does not fit the method's return type">
  : Problem<'The arguments of the name function, or of onBusy, are not those of the method'>;

/**
 * Decorates methods that return a promise or an Observable, whose callers can also be given an `Answer`, in classes whose
 * instances are a `Self`.
 *
 * @publicApi
 */
export type LockedMethodDecorator<Args extends readonly unknown[], Answer, Self> = <
  Method extends (...args: never[]) => PromiseLike<unknown> | Observable<unknown>,
>(
  target: Self & object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method> & Fits<Args, Answer, Method>,
) => void;
