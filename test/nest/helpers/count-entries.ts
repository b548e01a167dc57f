/** How many entries all maps, sets and arrays hold that can be reached from `root`: what grows by call is a leak. */
export function countEntries(root: object): number {
  const seen = new Set<unknown>();
  const queue: unknown[] = [root];
  let entries = 0;
  while (queue.length > 0) {
    const value = queue.pop();
    if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) continue;
    seen.add(value);
    if (value instanceof Map) queue.push(...value.keys(), ...value.values());
    if (value instanceof Set) queue.push(...value);
    if (value instanceof Map || value instanceof Set) entries += value.size;
    if (Array.isArray(value)) entries += value.length;
    for (const property of Object.values(Object.getOwnPropertyDescriptors(value))) queue.push(property.value);
  }
  return entries;
}
