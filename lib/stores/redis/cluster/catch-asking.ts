/** The nodes that are already wrapped: a caller's cluster may serve several services, one after another. */
const caught = new WeakSet<object>();

/**
 * ioredis's Cluster sends `ASKING` before a command that was answered with `ASK`, and does not handle its promise. If
 * that connection closes before the reply, the unhandled rejection would end the process. The command itself has its
 * own promise.
 */
export function catchAsking(node: object): void {
  const send: unknown = Reflect.get(node, 'asking');
  if (typeof send !== 'function' || caught.has(node)) return;
  caught.add(node);
  const asking = (...args: unknown[]): unknown => {
    const sent: unknown = Reflect.apply(send, node, args);
    if (sent instanceof Promise) sent.catch(() => undefined);
    return sent;
  };
  Reflect.set(node, 'asking', asking);
}
