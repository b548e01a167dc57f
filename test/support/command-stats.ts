/** How often each command was called, by its name as Redis reports it: `get`, `evalsha`, `client|setname`. */
export type CommandCounts = ReadonlyMap<string, number>;

/** The counts since the server started. They are the whole server's: use a `RedisServer` of your own to count exactly. */
export async function commandStats(client: { info(section: string): Promise<string> }): Promise<CommandCounts> {
  const counts = new Map<string, number>();
  for (const line of (await client.info('commandstats')).split('\r\n')) {
    const match = /^cmdstat_(.+):calls=(\d+),/.exec(line);
    if (match) counts.set(match[1]!, Number(match[2]));
  }
  return counts;
}

/** What was called between two readings; commands that were not called are left out. */
export function commandsBetween(before: CommandCounts, after: CommandCounts): CommandCounts {
  const counts = new Map<string, number>();
  for (const [name, calls] of after) {
    const more = calls - (before.get(name) ?? 0);
    if (more > 0) counts.set(name, more);
  }
  // Reading the counters is a command too.
  counts.delete('info');
  return counts;
}

export function totalCommands(counts: CommandCounts): number {
  return [...counts.values()].reduce((sum, calls) => sum + calls, 0);
}
