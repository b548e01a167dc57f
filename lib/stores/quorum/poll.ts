import { LockUnavailableError } from '../../errors/index.js';

/** The replies of several nodes to one request, as far as they have arrived. */
export class Tally<Node, Reply> {
  readonly replies = new Map<Node, Reply>();
  readonly failures = new Map<Node, LockUnavailableError>();

  constructor(private readonly asked: number) {}

  get pending(): number {
    return this.asked - this.replies.size - this.failures.size;
  }

  /** How many replies match. */
  count(matches: (reply: Reply) => boolean): number {
    let sum = 0;
    for (const reply of this.replies.values()) if (matches(reply)) sum += 1;
    return sum;
  }
}

/**
 * Sends a request to all nodes at once, and resolves as soon as the outcome is certain, without waiting for dead or
 * slow nodes.
 *
 * @param ask sends the request to a node; must settle within a bounded time. An error other than `LockUnavailableError`
 *   becomes the cause of one
 * @param decide returns the outcome, or `undefined` while it is open. It runs after every reply, and must return an
 *   outcome or throw when no reply is pending
 */
export function poll<Node, Reply, Outcome extends object>(
  nodes: readonly Node[],
  ask: (node: Node) => Promise<Reply>,
  decide: (tally: Tally<Node, Reply>) => Outcome | undefined,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const tally = new Tally<Node, Reply>(nodes.length);
    let open = true;
    const look = (): void => {
      if (!open) return;
      try {
        const outcome = decide(tally);
        if (outcome === undefined) return;
        open = false;
        resolve(outcome);
      } catch (error) {
        open = false;
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    for (const node of nodes) {
      ask(node).then(
        (reply) => {
          tally.replies.set(node, reply);
          look();
        },
        (error: unknown) => {
          tally.failures.set(node, asUnavailable(error));
          look();
        },
      );
    }
    if (nodes.length === 0) look();
  });
}

function asUnavailable(error: unknown): LockUnavailableError {
  if (error instanceof LockUnavailableError) return error;
  const what = error instanceof Error ? error.message : String(error);
  return new LockUnavailableError(what, undefined, { cause: error, retryable: false, outcomeUnknown: true });
}
