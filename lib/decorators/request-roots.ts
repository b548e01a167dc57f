import type { ExecutionContext } from '@nestjs/common';
import type { TemplateRoots } from '../naming/name-template.js';

const ROOTS = ['params', 'query', 'body', 'headers', 'user', 'ip', 'data', 'args'];

/** The roots that a name template can use for a request: `<params.id>`, `<data.sku>`. */
export const REQUEST_ROOTS: TemplateRoots = {
  accepts: (root) => ROOTS.includes(root),
  description: `one of ${ROOTS.join(', ')}, as in <params.id>`,
};

/**
 * Returns a function that finds the value of a root in a handler call; `undefined` if this kind of call does not have
 * it.
 */
export function requestRoot(context: ExecutionContext): (root: string) => unknown {
  switch (context.getType<string>()) {
    case 'http':
      return (root) => ofHttpRequest(context.switchToHttp().getRequest(), root);
    case 'rpc':
      return (root) => (root === 'data' ? context.switchToRpc().getData() : undefined);
    case 'ws':
      return (root) => (root === 'data' ? context.switchToWs().getData() : undefined);
    case 'graphql':
      // A resolver is called with the parent, the arguments and the context.
      return (root) =>
        root === 'args' ? context.getArgByIndex(1) : ofHttpRequest(property(context.getArgByIndex(2), 'req'), root);
    default:
      return () => undefined;
  }
}

function ofHttpRequest(request: unknown, root: string): unknown {
  const value = property(request, root);
  return root === 'headers' && typeof value === 'object' && value !== null ? anyCase(value) : value;
}

/** Header names are case-insensitive; Node gives them in lower case. */
function anyCase(headers: object): object {
  return new Proxy(headers, {
    get: (target, name): unknown => Reflect.get(target, typeof name === 'string' ? name.toLowerCase() : name),
  });
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
