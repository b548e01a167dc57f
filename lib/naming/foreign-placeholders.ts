/**
 * Placeholders of other libraries. As literal text they would give all calls the same lock name.
 *
 * Only patterns that are unlikely in a name: `{orders}` is the hash tag of a cluster, `a:b` and `a::b` are namespaces,
 * `%3A` is percent-encoding.
 */
const FOREIGN = [
  // ${0}, ${id}, #{id}, {{id}}
  /[$#]\{[^{}]*\}/u,
  /\{\{[^{}]*\}\}/u,
  // {0}, {0.id}
  /\{\d+(?:\.[^{}]*)?\}/u,
  // $0, $1.id
  /\$\d+/u,
  // :id as a path parameter: at the start, or after a separator; after another colon only `id`, `…Id` and `…_id`
  /(?<=^|[/\-?=&]):[\p{L}_][\p{L}\p{N}_]*/u,
  /(?<=:):(?:id|[\p{L}\p{N}_]*(?:Id|_id))(?![\p{L}\p{N}_])/u,
  // %s, %1$d, %(id)s
  /%(?:\d+\$|\(\w+\))?[sdifjoO](?![\p{L}\p{N}])/u,
];

/** A path in braces, as in `{params.id}`. It is a placeholder if its root is valid in a template. */
const PATH_IN_BRACES = /\{([\p{L}_$][\p{L}\p{N}_$-]*)\.[^{}]*\}/u;

/** The first placeholder of another library in literal text; `undefined` if there is none. */
export function foreignPlaceholder(literal: string, isRoot: (name: string) => boolean): string | undefined {
  for (const pattern of FOREIGN) {
    const found = pattern.exec(literal)?.[0];
    if (found !== undefined) return found;
  }
  const [path, root] = PATH_IN_BRACES.exec(literal) ?? [];
  return root !== undefined && isRoot(root) ? path : undefined;
}
