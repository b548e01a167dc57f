import type { SupplierReport } from '../../live/replica-report.js';
import { byId, setText } from '../dom.js';
import { isPermit } from '../state/permits.js';
import type { ReplicaWatch } from '../state/replica-watch.js';
import type { ShopState } from '../state/shop-state.js';
import { count, number } from './words.js';

/** The permits of the supplier, and what the supplier has counted. */
export class SupplierFacts {
  private readonly permits = byId('permits');
  private readonly holders = byId('permit-holders');
  private readonly waiting = byId('permit-waiting');
  private readonly waiters = byId('permit-waiters');
  private readonly counted = byId('supplier');

  show(shop: ShopState, now: number): void {
    const speaking = [...shop.replicas].filter(([, watch]) => !watch.isSilent(now));
    const latest = speaking.map(([, watch]) => watch).sort((a, b) => b.heardAt - a.heardAt);
    setText(
      this.permits,
      tellPermits(latest.map(({ report }) => report.supplier.permits).find((it) => it !== null) ?? null),
    );
    setText(
      this.counted,
      tellCounted(latest.map(({ report }) => report.supplier.counted).find((it) => it !== null) ?? null),
    );
    setText(
      this.holders,
      perReplica(shop, now, ({ report }) => report.held.filter(isPermit).length),
    );
    const waitingIn = ({ report }: ReplicaWatch): number => report.waiting.find(isPermit)?.callers ?? 0;
    setText(this.waiting, number.format(speaking.reduce((sum, [, watch]) => sum + waitingIn(watch), 0)));
    setText(this.waiters, perReplica(shop, now, waitingIn));
  }
}

function tellPermits(permits: SupplierReport['permits']): string {
  if (permits === null) return 'Not known: no replica can ask Redis.';
  return `${number.format(permits.held)} of ${number.format(permits.all)}`;
}

function tellCounted(counted: SupplierReport['counted']): string {
  if (counted === null) return 'Not known: the supplier does not answer.';
  const { running, most, answered } = counted;
  return `${number.format(running)} now, ${number.format(most)} at most; ${count(answered, 'request')} answered`;
}

/** A replica that sends no reports may still have what it had. */
function perReplica(shop: ShopState, now: number, numberOf: (watch: ReplicaWatch) => number): string {
  const known = shop.replicaNames().flatMap((name) => {
    const watch = shop.replicas.get(name);
    return watch === undefined ? [] : [{ name, watch }];
  });
  return known
    .map(({ name, watch }) => `${name}: ${watch.isSilent(now) ? 'silent' : number.format(numberOf(watch))}`)
    .join(', ');
}
