import type { ClientRequest } from 'node:http';
import { Probe } from './probe.js';
import type { ProbeResult } from './probe.js';

/**
 * `ready`: it takes new requests. `not-ready`: it replies that it cannot work, or is about to stop. `slow`: a liveness
 * check is late. `down`: it does not reply, and its requests are aborted.
 */
export type TargetState = 'ready' | 'not-ready' | 'slow' | 'down';

const liveLimits = { lateMs: 500, noneMs: 1_000 };
/** Longer: readiness also waits for the database and for Redis, and must not count as a dead process meanwhile. */
const readyLimits = { lateMs: 1_000, noneMs: 3_000 };

/** A replica, as the proxy sees it, and the requests in flight to it. */
export class Target {
  private life: 'up' | 'slow' | 'down' = 'up';
  private ready = true;
  /** Where requests go. The host is without the brackets of an IPv6 address: it is looked up as it stands. */
  readonly address: { readonly protocol: string; readonly host: string; readonly port: string };
  private readonly inFlight = new Set<ClientRequest>();
  private readonly probes: readonly Probe[];

  /** @param onDown called when the target was found not to answer */
  constructor(
    readonly url: string,
    private readonly onDown: (target: Target) => void,
  ) {
    const { protocol, hostname, port } = new URL(url);
    this.address = { protocol, host: hostname.replace(/^\[|\]$/g, ''), port };
    this.probes = [
      new Probe(new URL('/health/live', url), liveLimits, (result) => this.hearLife(result)),
      new Probe(new URL('/health/ready', url), readyLimits, (result) => this.hearReadiness(result)),
    ];
  }

  get state(): TargetState {
    if (this.life !== 'up') return this.life;
    return this.ready ? 'ready' : 'not-ready';
  }

  watch(): void {
    for (const probe of this.probes) probe.start();
  }

  stop(): void {
    for (const probe of this.probes) probe.stop();
  }

  /** Remembers a request that may be given up when the target is down. */
  track(request: ClientRequest): void {
    this.inFlight.add(request);
    request.once('close', () => this.inFlight.delete(request));
  }

  giveUp(): void {
    for (const request of this.inFlight) request.destroy(new Error(`${this.url} does not answer.`));
  }

  /** Any response shows that the process is alive, even a 404. */
  private hearLife(result: ProbeResult): void {
    this.life = result === 'none' ? 'down' : result === 'late' ? 'slow' : 'up';
    if (this.life === 'down') this.onDown(this);
  }

  private hearReadiness(result: ProbeResult): void {
    if (result !== 'late') this.ready = result === 200;
  }
}
