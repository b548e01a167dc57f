import type { Redis } from 'ioredis';

/** A line of `CLUSTER NODES`. */
export interface ClusterLine {
  readonly id: string;
  readonly port: number;
  readonly myself: boolean;
  readonly master: boolean;
  /** Whether the one asked takes it for dead, or for probably dead. */
  readonly failed: boolean;
  /** The master's id, for a replica. */
  readonly masterId: string | undefined;
  /** From and to, both included. */
  readonly slots: readonly (readonly [number, number])[];
}

export async function clusterNodes(client: Redis): Promise<ClusterLine[]> {
  const text = (await client.cluster('NODES')) as string;
  return text.trim().split('\n').map(parse);
}

/** The fields of `CLUSTER INFO`. */
export async function clusterInfo(client: Redis): Promise<Record<string, string>> {
  const text = await client.cluster('INFO');
  return Object.fromEntries(
    text
      .trim()
      .split('\r\n')
      .map((line) => line.split(':')),
  );
}

export function serves(line: ClusterLine, slot: number): boolean {
  return line.slots.some(([from, to]) => from <= slot && slot <= to);
}

function parse(line: string): ClusterLine {
  const [id, address, flags, masterId, , , , , ...slots] = line.split(' ');
  const flag = flags!.split(',');
  return {
    id: id!,
    port: Number(/:(\d+)@/.exec(address!)?.[1]),
    myself: flag.includes('myself'),
    master: flag.includes('master'),
    failed: flag.includes('fail') || flag.includes('fail?'),
    masterId: masterId === '-' ? undefined : masterId,
    // A slot on the move is written as [slot->-id] besides.
    slots: slots
      .filter((range) => !range.startsWith('['))
      .map((range) => range.split('-').map(Number))
      .map(pair),
  };
}

const pair = ([from, to]: number[]): [number, number] => [from!, to ?? from!];
