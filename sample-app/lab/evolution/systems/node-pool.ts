import type { Redis } from 'ioredis';

/** Several Redis servers, of which the first that can be reached decides. */
export class NodePool {
  /** `nodes`: in the order they are tried. A command to one that cannot be reached must fail, not wait. */
  constructor(private readonly nodes: readonly Redis[]) {}

  /** Asks the first node, and the next one if that cannot be reached. */
  async onReachable<T>(ask: (node: Redis, others: readonly Redis[]) => Promise<T>): Promise<T> {
    let unreachable: unknown;
    for (const node of this.nodes) {
      try {
        return await ask(
          node,
          this.nodes.filter((other) => other !== node),
        );
      } catch (error) {
        if (isRefusal(error)) throw error;
        unreachable = error;
      }
    }
    throw unreachable;
  }
}

/** The multi-write: one node after another. What a node that cannot be reached misses, it misses. */
export async function writeEach(nodes: readonly Redis[], write: (node: Redis) => Promise<unknown>): Promise<void> {
  for (const node of nodes) {
    try {
      await write(node);
    } catch (error) {
      if (isRefusal(error)) throw error;
    }
  }
}

/** The node was reached, and says no. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
