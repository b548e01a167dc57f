import { Inject, Injectable } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import { SHOP_CONFIG } from '../../shop/config/config.js';
import type { ShopConfig } from '../../shop/config/config.js';
import { SystemSwitch } from '../evolution/system-switch.js';
import { CoordinationWatch } from './coordination-watch.js';
import { LiveRecorder } from './live-recorder.js';
import { QuerySwitch } from './query-switch.js';
import type { ReplicaReport, WaitLineLength } from './replica-report.js';
import { SupplierWatch } from './supplier-watch.js';

/** Puts a report together. */
@Injectable()
export class ReportWriter {
  private seq = 0;
  private since = performance.now();

  constructor(
    @Inject(SHOP_CONFIG) private readonly config: ShopConfig,
    private readonly locks: LockService,
    private readonly systems: SystemSwitch,
    private readonly query: QuerySwitch,
    private readonly recorder: LiveRecorder,
    private readonly coordination: CoordinationWatch,
    private readonly supplier: SupplierWatch,
  ) {}

  /** Returns the report since the last one. Each event is reported only once. */
  write(): ReplicaReport {
    const now = performance.now();
    const periodMs = Math.round(now - this.since);
    this.since = now;
    this.seq += 1;
    return {
      replica: this.config.replica,
      pid: process.pid,
      seq: this.seq,
      at: Date.now(),
      periodMs,
      guard: this.systems.current,
      queryMs: this.query.ms,
      ...this.recorder.take(),
      coordination: this.coordination.latest,
      supplier: this.supplier.latest,
      waiting: [...this.recorder.waiting.list(), ...this.ownLines()],
    };
  }

  private ownLines(): WaitLineLength[] {
    return this.locks.waiting().map(({ name, waiting }) => ({ name, callers: waiting }));
  }
}
