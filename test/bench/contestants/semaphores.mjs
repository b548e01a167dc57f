// What the contestants with semaphores have in common. It imports nothing: this library is tested without the others.

/** How many sections the contestants with semaphores let in at once. */
export const PERMITS = 5;

/** What there is once for each name. */
export function perName(make) {
  const made = new Map();
  return (name) => {
    let one = made.get(name);
    if (one === undefined) made.set(name, (one = make(name)));
    return one;
  };
}
