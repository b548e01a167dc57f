import { LockConfigError } from '../errors/index.js';
import { show } from '../options/checks.js';

/**
 * A number, or a function that returns it. The function gets the instance whose method is called: `{ wait: (self) =>
 * self.config.wait }`. It runs at each call, and the call rejects with `LockConfigError` if the value is not valid.
 *
 * @publicApi
 */
export type NumberOption<Self> = number | ((self: Self) => number);

/** @internal An option, and the function of the instance that gives its value. */
export type InstanceOption = readonly [option: string, valueOf: (self: unknown) => unknown];

/**
 * @internal Separates the options that are functions of the instance from the others.
 *
 * @param numbers the options that may be functions
 */
export function splitOptions<Constant extends object>(
  options: unknown,
  numbers: readonly string[],
): { readonly constant: Partial<Constant>; readonly ofInstance: readonly InstanceOption[] } {
  if (typeof options !== 'object' || options === null) return { constant: options as Constant, ofInstance: [] };
  const ofInstance = numbers.flatMap((option) => {
    const value: unknown = Reflect.get(options, option);
    return typeof value === 'function' ? [[option, value as (self: unknown) => unknown] as const] : [];
  });
  const names: readonly string[] = ofInstance.map(([option]) => option);
  const rest = Object.entries(options).filter(([option]) => !names.includes(option));
  return { constant: Object.fromEntries(rest) as Partial<Constant>, ofInstance };
}

/**
 * @internal The values of options for a call on `self`. Values of other types are rejected here, since `undefined` would
 * stand for an option that was left out.
 *
 * @param title the method's name in messages
 * @throws LockConfigError if a function does not return a number
 */
export function numbersOf(ofInstance: readonly InstanceOption[], self: unknown, title: string): Record<string, number> {
  const values = ofInstance.map(([option, valueOf]): [string, number] => {
    const value = valueOf(self);
    if (typeof value === 'number') return [option, value];
    throw new LockConfigError(
      `${title} was not run: the function for "${option}" must return a number, but returned ${show(value)}.`,
    );
  });
  return Object.fromEntries(values);
}
