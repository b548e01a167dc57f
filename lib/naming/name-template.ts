import { LockNameError } from '../errors/index.js';
import { quoteName } from '../errors/quote-name.js';
import { foreignPlaceholder } from './foreign-placeholders.js';

/** The roots that placeholders of a template may have. */
export interface TemplateRoots {
  /** Whether a placeholder may begin with `root`. */
  accepts(root: string): boolean;
  /** The accepted roots, as text for messages. */
  readonly description: string;
}

/** Positions of a method's arguments: `<0>`, `<1.id>`. */
export const ARGUMENT_ROOTS: TemplateRoots = {
  accepts: (root) => /^\d{1,3}$/.test(root),
  description: 'the position of an argument, as in <0> or <0.id>',
};

type Part = { readonly literal: string } | { readonly path: readonly string[]; readonly source: string };

const SEGMENT = /^[\p{L}\p{N}_$-]+$/u;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const RESERVED = /[%:{}<>\s\u0000-\u001f\u007f-\u009f]/gu;

/**
 * A lock's name with placeholders: `catalog:<0>`, `order:<0.id>`. `<<` stands for `<`.
 *
 * A value must be a non-empty string, a finite number, a bigint or a boolean: anything else throws, so that calls never
 * share a name such as `catalog:undefined`. Characters by which different values could give the same name are
 * percent-encoded.
 */
export class NameTemplate {
  private constructor(
    private readonly source: string,
    private readonly parts: readonly Part[],
  ) {}

  /** @throws LockNameError if the template cannot be used */
  static parse(source: unknown, roots: TemplateRoots): NameTemplate {
    if (typeof source !== 'string') {
      throw new LockNameError(`A lock name template must be a string, but it is of type ${typeof source}.`);
    }
    if (source === '') throw new LockNameError('A lock name template must not be empty.');
    const parts: Part[] = [];
    let literal = '';
    for (let at = 0; at < source.length;) {
      const char = source[at] as string;
      if (char !== '<') {
        literal += char;
        at += 1;
      } else if (source[at + 1] === '<') {
        literal += '<';
        at += 2;
      } else {
        const end = source.indexOf('>', at);
        if (end === -1) throw bad(source, 'a "<" has no ">"; write "<<" for a literal one');
        if (literal !== '') parts.push({ literal });
        literal = '';
        parts.push(parsePlaceholder(source, source.slice(at + 1, end), roots));
        at = end + 1;
      }
    }
    if (literal !== '') parts.push({ literal });
    refuseForeign(source, parts, roots);
    if (!source.isWellFormed()) throw bad(source, 'it is not well-formed Unicode (lone surrogate)');
    return new NameTemplate(source, parts);
  }

  /**
   * The name for one call.
   *
   * @param root returns the value of a placeholder's root
   * @throws LockNameError if a value cannot be part of a name
   */
  render(root: (name: string) => unknown): string {
    return this.parts.map((part) => ('literal' in part ? part.literal : this.valueOf(part, root))).join('');
  }

  private valueOf(part: { path: readonly string[]; source: string }, root: (name: string) => unknown): string {
    const [first, ...rest] = part.path;
    let value = root(first as string);
    for (const key of rest) {
      value =
        value === null || value === undefined ? undefined : (Reflect.get(Object(value) as object, key) as unknown);
    }
    const kind = typeof value;
    const usable =
      (kind === 'string' && value !== '') || kind === 'bigint' || kind === 'boolean' || Number.isFinite(value);
    if (!usable) {
      throw new LockNameError(
        `The lock name template ${quoteName(this.source)} needs a non-empty string, a number, a bigint or a boolean ` +
          `for <${part.source}>, but got ${describe(value)}.`,
      );
    }
    return String(value).replace(RESERVED, encodeURIComponent);
  }
}

/** @throws LockNameError if a literal part contains a placeholder of another library */
function refuseForeign(template: string, parts: readonly Part[], roots: TemplateRoots): void {
  for (const [at, part] of parts.entries()) {
    if (!('literal' in part)) continue;
    // A literal after a placeholder is not at the start of the name.
    const text = at === 0 ? part.literal : `>${part.literal}`;
    const found = foreignPlaceholder(text, (name) => roots.accepts(name));
    if (found === undefined) continue;
    throw bad(
      template,
      `${quoteName(found)} is literal text and not a placeholder, so all calls would share one lock. Write ` +
        `${roots.description}; for a name that contains such text, use a function`,
    );
  }
}

function parsePlaceholder(template: string, source: string, roots: TemplateRoots): Part {
  const path = source.split('.');
  if (!path.every((segment) => SEGMENT.test(segment))) {
    throw bad(template, `<${source}> is not a path of names with dots between them; write ${roots.description}`);
  }
  if (!roots.accepts(path[0] as string)) throw bad(template, `<${source}> must begin with ${roots.description}`);
  return { path, source };
}

function bad(template: string, why: string): LockNameError {
  return new LockNameError(`The lock name template ${quoteName(template)} cannot be used: ${why}.`);
}

function describe(value: unknown): string {
  if (value === '') return 'an empty string';
  if (value === null || value === undefined || typeof value === 'number') return String(value);
  return Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
