import type { Instant } from '../../../../lib/time/instant.js';

type Code = (...args: never[]) => unknown;

/** A function as its replacement calls it; `Self` is the class of a method. */
type Called<Fn extends Code, Self> = (this: Self, ...args: Parameters<Fn>) => ReturnType<Fn>;

/** One function of the library, and what runs in its place. */
export interface Replacement {
  /** The file that declares it, below `lib/`, without ending. */
  readonly file: string;
  /** `name`, or `Class.method`. It need not be exported. */
  readonly name: string;
  /** @param now reads both clocks of the process that runs it */
  readonly becomes: (original: Code, now: () => Instant) => Code;
}

/**
 * A replacement with the types of the function: `replace<Hold['lose'], Hold>('holds/hold', 'Hold.lose', …)`. If a method is
 * renamed, also a private one, `tsc` says so, and loading the library fails.
 */
export function replace<Fn extends Code, Self = unknown>(
  file: string,
  name: string,
  becomes: (original: Called<Fn, Self>, now: () => Instant) => Called<Fn, Self>,
): Replacement {
  return { file, name, becomes: becomes as Replacement['becomes'] };
}

/** A function or class in the scope of its file. */
export interface Declared {
  readonly read: () => unknown;
  readonly write: (code: unknown) => void;
}

/** Code to append to a file. It calls `replacer(name, declared)` for each function, in the scope of the file. */
export function replacingCode(replacements: readonly Replacement[], replacer: string): string {
  const calls = replacements.map(({ name }) => {
    const variable = declarationOf(name);
    // Calls from the file itself use the variable, calls from other files the export.
    const write = `(code) => { ${variable} = code; if ('${variable}' in exports) exports.${variable} = code; }`;
    return `${replacer}('${name}', { read: () => ${variable}, write: ${write} });`;
  });
  return ['', ...calls].join('\n');
}

/** @throws Error if the file declares no such function */
export function apply({ file, name, becomes }: Replacement, declared: Declared, now: () => Instant): void {
  const method = name.split('.')[1];
  const found = valueOf(declared);
  if (typeof found !== 'function') throw new Error(`lib/${file}.ts declares no ${declarationOf(name)}`);
  if (method === undefined) {
    declared.write(becomes(found as Code, now));
    return;
  }
  const prototype = found.prototype as object;
  const property = Object.getOwnPropertyDescriptor(prototype, method);
  if (typeof property?.value !== 'function') throw new Error(`lib/${file}.ts declares no method ${name}`);
  Object.defineProperty(prototype, method, { ...property, value: becomes(property.value as Code, now) });
}

function declarationOf(name: string): string {
  return name.split('.')[0]!;
}

function valueOf({ read }: Declared): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
