import { Injectable } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { lastRun, LeaderElection, LockService } from 'nestjs-redis-lock';
import { relayName } from '../../shop/orders/order-relay.js';
import { jobName } from '../../shop/prices/prices.service.js';
import type { CoordinationReport } from './replica-report.js';

const everyMs = 500;

/** Looks again and again which replica leads, and when the prices were refreshed last. */
@Injectable()
export class CoordinationWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  /** `null` while Redis cannot be asked. */
  latest: CoordinationReport | null = null;
  private readonly election: LeaderElection;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly locks: LockService) {
    this.election = new LeaderElection(locks, relayName);
  }

  onApplicationBootstrap(): void {
    this.look().catch(() => undefined);
  }

  onApplicationShutdown(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    try {
      const [leader, run] = await Promise.all([this.election.leader(), lastRun(this.locks, jobName)]);
      this.latest = {
        leader:
          leader === null
            ? null
            : { where: leader.where ?? null, token: leader.token ?? null, since: leader.since?.getTime() ?? null },
        lastRun:
          run === null
            ? null
            : {
                where: run.where,
                startedAt: run.startedAt.getTime(),
                endedAt: run.endedAt?.getTime() ?? null,
                outcome: run.outcome,
                attempt: run.attempt,
              },
      };
    } catch {
      this.latest = null;
    }
    if (!this.closed) this.timer = setTimeout(() => void this.look(), everyMs);
  }
}
