import 'reflect-metadata';
import { EventEmitter, once } from 'node:events';
import type { EvolutionLock, Held } from '../../systems/evolution-lock.js';
import { Witness } from '../stage/witness.js';
import type { ActorPart, Order, Report, WriteOutcome } from './actor-messages.js';
import { openLock } from './open-lock.js';
import type { OpenedLock } from './open-lock.js';

/**
 * A caller of a lock, as a separate process that can be killed and stopped. It follows one instruction at a time and
 * reports the result. It knows neither the scenario nor the faults of its connections.
 */
const lockName = 'catalog';
const orders = new EventEmitter();

let part: ActorPart | undefined;
let opened: OpenedLock | undefined;
let witness: Witness | undefined;

function tell(report: Report): void {
  process.send?.(report);
}

async function open(given: ActorPart): Promise<void> {
  part = given;
  witness = new Witness(given.witness, given.prefix);
  opened = await openLock(given);
  // Scripts are loaded, connections made.
  await opened.lock.withLock(`warm-up-${given.caller}`, async () => undefined);
  tell({ type: 'opened' });
}

async function call(lock: EvolutionLock, caller: string, books: Witness): Promise<void> {
  let write: WriteOutcome | null = null;
  let heldBy: Held | undefined;
  const work = async (held: Held): Promise<void> => {
    heldBy = held;
    await books.enter(caller);
    const cold = await books.beginRebuildIfCold();
    const go = once(orders, 'go');
    tell({ type: 'inside', token: held.token });
    const [order] = (await go) as [Extract<Order, { type: 'go' }>];
    if (order.write) write = await books.write(caller, held.token);
    if (cold) await books.fillCache();
    await books.leave(caller);
  };
  const error = await lock.withLock(lockName, work).then(
    () => null,
    (thrown: unknown) => (thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)),
  );
  tell({ type: 'done', error, write, told: heldBy?.signal?.aborted ?? false });
}

async function close(): Promise<void> {
  await opened?.close();
  witness?.close();
  part = opened = witness = undefined;
  tell({ type: 'closed' });
}

async function follow(order: Order): Promise<void> {
  if (order.type === 'open') return open(order);
  if (order.type === 'close') return close();
  if (order.type === 'go') {
    orders.emit('go', order);
    return;
  }
  if (part === undefined || opened === undefined || witness === undefined) throw new Error('Nothing is open.');
  return call(opened.lock, part.caller, witness);
}

process.on('message', (order: Order) => {
  follow(order).catch((error: unknown) => {
    tell({ type: 'broken', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
// The parent process has ended.
process.on('disconnect', () => process.exit());
tell({ type: 'ready' });
