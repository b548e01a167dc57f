import { setTimeout as sleep } from 'node:timers/promises';
import { ending } from '../../../sample-app/services/cleanup.js';
import type { Bench } from '../bench.js';
import { now } from '../clock.js';
import type { Entrant } from '../contestants/index.js';
import { countRequests, linesOf, type Requests } from '../measures/monitor.js';
import { roundTripMs } from './round-trip.js';
import { DRAIN_MS, HEAD_START_MS, type Crew, type CrewPlan, type CrewRound } from './crew.js';

/** A timed round, with what it sent and received. */
export interface PlayedRound extends CrewRound {
  /** Which turn it belongs to, from 0: rounds of one turn are played one right after another. */
  readonly turn: number;
  /** Both ways, within the window. */
  readonly bytes: number;
  /** Of a PING just before, each after a silence as long as a section, in ms; `NaN` unless it was asked for. */
  readonly roundTripMs: number;
}

/** The requests of a section, and of the whole round in which they were counted. */
export interface Counted extends Requests {
  readonly requestsInRound: number;
}

/** What became of one contestant. */
export interface Played {
  readonly entrant: Entrant;
  /** The timed ones, in their order. */
  readonly rounds: readonly PlayedRound[];
  /** By section, from a round of its own that was not timed. */
  readonly counted: Counted | undefined;
  /** Why it broke off: it could not be started, or did not come back from a round. */
  readonly failure: string | undefined;
  /** What was odd about it, though it was measured. */
  readonly remark: string | undefined;
}

export interface PlayOptions {
  /** Processes a crew. Default 1. */
  readonly size?: number;
  /** Whether a counting round follows. Default true. */
  readonly count?: boolean;
  /** How long everybody warms up, in ms. Default: half a round. */
  readonly warmUpMs?: number;
  /** Whether the round trip to Redis is measured before each round. Default false. */
  readonly ping?: boolean;
}

/** After so many timed rounds that had to be broken off a contestant plays no more of them: each costs seconds. */
const STUCK_ROUNDS = 2;

/**
 * Plays the same plan with every contestant: a round to warm up, then the timed rounds in turn, each turn beginning with
 * another contestant, then a round under MONITOR. A machine that slows down for a while so slows down all of them.
 */
export async function playRounds(
  bench: Bench,
  entrants: readonly Entrant[],
  plan: CrewPlan,
  { size = 1, count = true, ping = false, warmUpMs = plan.durationMs / 2 }: PlayOptions = {},
): Promise<Played[]> {
  const players = entrants.map((entrant) => new Player(bench, entrant, sizeOf(entrant, size), plan, ping, warmUpMs));
  await startTwoAtATime(players);
  for (const player of players) await player.play('warm-up', -1);
  for (let turn = 0; turn < bench.options.rounds; turn += 1) {
    const first = Math.floor((turn * players.length) / bench.options.rounds);
    for (const player of [...players.slice(first), ...players.slice(0, first)]) await player.play('timed', turn);
  }
  if (count) for (const player of players) await player.play('counted', -1);
  return players;
}

/** How many processes a crew has: what knows nothing of other processes runs in one. */
export function sizeOf({ processes }: Entrant, size: number): number {
  return processes === 'one' ? 1 : size;
}

async function startTwoAtATime(players: readonly Player[]): Promise<void> {
  const left = [...players];
  const work = async (): Promise<void> => {
    for (let player = left.shift(); player !== undefined; player = left.shift()) await player.start();
  };
  await Promise.all([work(), work()]);
}

class Player implements Played {
  readonly rounds: PlayedRound[] = [];
  counted: Counted | undefined;
  failure: string | undefined;
  remark: string | undefined;
  private stuckRounds = 0;

  constructor(
    private readonly bench: Bench,
    readonly entrant: Entrant,
    private readonly size: number,
    private readonly plan: CrewPlan,
    private readonly ping: boolean,
    private readonly warmUpMs: number,
  ) {}

  async start(): Promise<void> {
    await this.attempt('start', async () => undefined);
  }

  async play(kind: 'warm-up' | 'timed' | 'counted', turn: number): Promise<void> {
    if (kind === 'timed' && this.stuckRounds === STUCK_ROUNDS) return;
    await this.attempt(kind, async (crew) => {
      const result = kind === 'counted' ? await this.count(crew) : await this.round(crew, this.planOf(kind));
      if (kind === 'timed') this.rounds.push({ ...result, turn });
      if (result.stuck === 0) return;
      // Its callers still wait for locks: another round is for another crew.
      await this.bench.crews.discard(crew);
      if (kind !== 'timed') return;
      this.stuckRounds += 1;
      const { drainMs = DRAIN_MS } = this.plan;
      const callers = this.plan.callers * this.size;
      this.remark = `${result.stuck} of ${callers} callers still waited ${drainMs / 1_000} s after the round`;
    });
  }

  private planOf(kind: 'warm-up' | 'timed'): CrewPlan {
    const { plan, warmUpMs } = this;
    if (kind === 'timed') return plan;
    // A few that are in each other's way warm up as well as many, and the last of them is served sooner.
    const callers = plan.names > 1 ? plan.callers : Math.min(plan.callers, Math.max(2, Math.ceil(plan.callers / 8)));
    return { ...plan, callers, durationMs: warmUpMs };
  }

  private async count(crew: Crew): Promise<Omit<PlayedRound, 'turn'>> {
    const { result, lines } = await this.bench.traffic.listen(() => this.round(crew));
    if (result.sections === 0) return result;
    const wall = Date.now() - now();
    const { requests, inScripts } = countRequests(
      linesOf(lines, result.ports),
      result.startedAt + wall,
      result.endedAt + wall,
    );
    const { sections } = result;
    this.counted = { requests: requests / sections, inScripts: inScripts / sections, requestsInRound: requests };
    return result;
  }

  private async attempt(what: string, work: (crew: Crew) => Promise<void>): Promise<void> {
    if (this.failure !== undefined) return;
    ending.throwIfAborted();
    let crew: Crew | undefined;
    try {
      crew = await this.bench.crews.get(this.entrant, this.size);
      await work(crew);
    } catch (error) {
      // Not the contestant's fault: everything is being stopped.
      ending.throwIfAborted();
      const reason = error instanceof Error ? error.message : String(error);
      this.failure = what === 'start' ? reason : `${what} round ${this.rounds.length + 1}: ${reason}`;
      this.bench.say(`${this.entrant.id}: ${this.failure}`);
      if (crew !== undefined) await this.bench.crews.discard(crew);
    }
  }

  private async round(crew: Crew, plan = this.plan): Promise<Omit<PlayedRound, 'turn'>> {
    const { traffic } = this.bench;
    const roundTrip = this.ping ? await roundTripMs(traffic.redis, this.plan.sectionMs) : Number.NaN;
    const before = await traffic.bytes();
    const startAt = now() + HEAD_START_MS;
    const playing = crew.round(plan, startAt);
    // A worker that ends in the meantime is heard of below.
    playing.catch(() => undefined);
    await sleep(Math.max(0, startAt + plan.durationMs - now()));
    const after = await traffic.bytes();
    const bytes = after.received - before.received + (after.sent - before.sent);
    return { ...(await playing), bytes, roundTripMs: roundTrip };
  }
}
