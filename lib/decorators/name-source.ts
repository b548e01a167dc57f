import { LockNameError } from '../errors/index.js';
import { NameTemplate, type TemplateRoots } from '../naming/name-template.js';
import { labelFrom } from '../options/checks.js';
import type { NamedLock } from '../options/named-locks.js';

/**
 * The lock name of a decorator: a template, several templates (all of the locks are taken), or a function of the call's
 * arguments, whose result is used unchanged. The function is called with the instance as `this`.
 *
 * @publicApi
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- by default any instance will do
export type LockNameSource<Args extends readonly unknown[], Self = any> =
  string | readonly string[] | ((this: Self, ...args: Args) => string | readonly string[]);

/** @internal Returns the lock's name, or names, for one call on `self`. */
export type NameRenderer<Args extends readonly unknown[]> = (
  self: unknown,
  args: Args,
  root: (name: string) => unknown,
) => string | readonly (string | NamedLock)[];

/**
 * @internal Parses a name source once, so that a bad template fails when the class is loaded and not at the first call.
 *
 * @param label the option `label`; without it, each of several templates is the label of its lock
 * @throws LockNameError if a template cannot be used
 */
export function nameRenderer<Args extends readonly unknown[]>(
  source: LockNameSource<Args, never>,
  roots: TemplateRoots,
  label?: string,
): NameRenderer<Args> {
  if (typeof source === 'function') return (self, args) => source.call(self as never, ...args);
  if (isList(source)) {
    if (source.length === 0) throw new LockNameError('At least one lock name template is needed.');
    const templates = source.map((each) => NameTemplate.parse(each, roots));
    const labels = source.map(labelFrom);
    return (_self, _args, root) =>
      templates.map((template, at) => ({ name: template.render(root), label: label ?? (labels[at] as string) }));
  }
  const template = NameTemplate.parse(source, roots);
  return (_self, _args, root) => template.render(root);
}

function isList(source: string | readonly string[]): source is readonly string[] {
  return Array.isArray(source);
}
