import type { Bench } from '../bench.js';
import { now } from '../clock.js';
import type { Entrant } from '../contestants/index.js';
import { countRequests, linesOf } from '../measures/monitor.js';
import { overlapsBetween } from '../measures/overlaps-between.js';
import type { Section } from '../measures/section.js';
import { sharesOf } from '../measures/shares.js';
import { measured, type CaseResult, type Measurement } from '../report/measurement.js';
import { TaskProcess } from '../tasks/task-process.js';

const SECTION_MS = 1;
/** From the order to the first section. */
const HEAD_START_MS = 50;
/** For the last sections of a round: with 64 that poll, somebody may wait long. */
const DRAIN_MS = 20_000;

/** Of which case they are, and how many processes there are. */
export interface Processes {
  readonly id: string;
  readonly sizes: readonly number[];
}

interface ProcessRound {
  readonly msPerSection: number;
  readonly cpuMsPerSection: number;
  readonly smallestShare: number;
  readonly sections: number;
  readonly ports: readonly number[];
  readonly overlaps: number;
}

/** One caller in each of more and more processes, on one name. */
export async function scaleProcesses(
  bench: Bench,
  entrants: readonly Entrant[],
  { id, sizes: all }: Processes,
): Promise<Pick<CaseResult, 'measurements' | 'failures'>> {
  const { quick } = bench.options;
  const rounds = quick ? 1 : Math.min(3, bench.options.rounds);
  const measurements: Measurement[] = [];
  const failures: { contestant: string; reason: string }[] = [];
  for (const entrant of entrants) {
    if (quick && entrant.kind !== 'own') continue;
    // To start 64 takes long, and our own are what the question is about.
    const sizes = quick ? [Math.min(...all), 4] : all.filter((size) => size <= 16 || entrant.kind === 'own');
    const processes: TaskProcess[] = [];
    try {
      for (const size of sizes) {
        await startUpTo(size, processes, entrant, bench);
        const played: ProcessRound[] = [];
        // The first round is to warm up.
        for (let round = 0; round <= rounds; round += 1) {
          played.push(await play(processes, entrant, quick ? 300 : 500));
        }
        const add = adder(id, entrant.id, size, played.slice(1));
        measurements.push(...measurementsOf(add, played.slice(1), processes));
        measurements.push(...add('requestsPerSection', 'requests', [await requests(bench, processes, entrant)]));
      }
    } catch (error) {
      const reason = `${processes.length} processes: ${error instanceof Error ? error.message : String(error)}`;
      bench.say(`${entrant.id}: ${reason}`);
      failures.push({ contestant: entrant.id, reason });
    } finally {
      await Promise.all(processes.map((each) => each.kill()));
    }
  }
  return { measurements, failures };
}

async function startUpTo(size: number, running: TaskProcess[], entrant: Entrant, { url }: Bench): Promise<void> {
  const missing = size - running.length;
  for (let at = 0; at < missing; at += 4) {
    const few = Array.from({ length: Math.min(4, missing - at) }, () => TaskProcess.start(entrant, url));
    const started = await Promise.allSettled(few);
    running.push(...started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
    const failed = started.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

async function play(processes: readonly TaskProcess[], { id }: Entrant, durationMs: number): Promise<ProcessRound> {
  const name = `scaling:${id}:turns`;
  const startAt = now() + HEAD_START_MS;
  const ask = { name, sectionMs: SECTION_MS, startAt, durationMs };
  const all = await Promise.all(processes.map((each) => each.run('turns', ask, durationMs + DRAIN_MS)));
  const sections = all.flatMap(({ times }, worker) => sectionsOf(times as number[], worker, name, startAt));
  const inWindow = sections.filter(({ left }) => left <= startAt + durationMs);
  const cpuMs = all.reduce((sum, each) => sum + Number(each.cpuMs), 0);
  return {
    msPerSection: (Math.max(...inWindow.map(({ left }) => left)) - startAt) / inWindow.length,
    cpuMsPerSection: cpuMs / sections.length,
    sections: sections.length,
    ports: all.flatMap(({ ports }) => ports as number[]),
    smallestShare: sharesOf(sections, processes.length)?.smallest ?? 0,
    overlaps: overlapsBetween(sections),
  };
}

function sectionsOf(times: readonly number[], worker: number, name: string, asked: number): Section[] {
  const sections: Section[] = [];
  for (let at = 0; at + 1 < times.length; at += 2) {
    sections.push({ worker, caller: 0, name, asked, entered: times[at] ?? 0, left: times[at + 1] ?? 0 });
  }
  return sections;
}

/** Of a round of its own, which is not timed. */
async function requests({ traffic }: Bench, processes: readonly TaskProcess[], entrant: Entrant): Promise<number> {
  const { result, lines } = await traffic.listen(() => play(processes, entrant, 500));
  return countRequests(linesOf(lines, result.ports)).requests / result.sections;
}

type Add = (metric: string, unit: string, values: readonly number[]) => Measurement[];

function adder(id: string, contestant: string, processes: number, played: readonly ProcessRound[]): Add {
  const overlaps = played.reduce((sum, round) => sum + round.overlaps, 0);
  return (metric, unit, values) => {
    const known = values.filter(Number.isFinite);
    return known.length === 0
      ? []
      : [measured({ case: id, contestant, at: { processes }, metric, unit, overlaps }, known)];
  };
}

function measurementsOf(add: Add, played: readonly ProcessRound[], running: readonly TaskProcess[]): Measurement[] {
  const of = (key: 'msPerSection' | 'cpuMsPerSection' | 'smallestShare'): number[] => played.map((round) => round[key]);
  return [
    ...add('msPerSection', 'ms', of('msPerSection')),
    ...add('cpuMsPerSection', 'ms', of('cpuMsPerSection')),
    ...add('smallestShare', 'fair shares', of('smallestShare')),
    ...add(
      'processMemory',
      'bytes',
      running.map((each) => each.memory()),
    ),
  ];
}
