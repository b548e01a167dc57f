import type { Observable } from 'rxjs';

/** The type of a method's result: the value that its promise resolves with, or that its Observable emits. */
type Outcome<Result> = Result extends Observable<infer Value> ? Value : Awaited<Result>;

/** The type of a method that does not fit its decorator: the compiler's message shows the reason. */
export interface Problem<Text extends string> {
  readonly problem: Text;
}

export type Fits<Args extends readonly unknown[], Answer, Method extends (...args: never[]) => unknown> = ((
  ...args: Args
) => unknown) extends (...args: Parameters<Method>) => unknown
  ? [Outcome<Answer>] extends [Outcome<ReturnType<Method>>]
    ? unknown
    : Problem<"What 'onBusy' gives the caller does not fit the method's return type">
  : Problem<'The arguments of the name function, or of onBusy, are not those of the method'>;

/**
 * Decorates methods of `Self` that return a promise or an Observable. Their callers may also get an `Answer`, the
 * result of `onBusy`.
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
