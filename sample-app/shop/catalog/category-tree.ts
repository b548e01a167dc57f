import type { Category } from '../database/schema.js';

export interface CategoryTree {
  readonly id: number;
  readonly name: string;
  /** Only at level 1: the name of the section in URLs. */
  readonly section?: string;
  /** Not at level 3. */
  readonly children?: CategoryTree[];
}

/** Puts rows, parents before their children, together as trees of level-1 categories. */
export function categoryTrees(rows: readonly Category[]): CategoryTree[] {
  const roots: CategoryTree[] = [];
  const childrenOf = new Map<number, CategoryTree[]>();
  for (const { id, parentId, level, section, name } of rows) {
    const children: CategoryTree[] = [];
    childrenOf.set(id, children);
    if (parentId === null) roots.push({ id, name, section, children });
    else childrenOf.get(parentId)?.push(level === 3 ? { id, name } : { id, name, children });
  }
  return roots;
}
