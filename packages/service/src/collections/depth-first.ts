/**
 * Goes through a graph so that what an item leads to is visited before the item itself. An item that leads to itself, by whatever way,
 * is not followed again.
 *
 * @param nextOf what is still to be visited before an item.
 * @param visit called once for each item that `nextOf` returned, and for `root`.
 */
export function visitDepthFirst<T>(
  root: T,
  nextOf: (item: T) => readonly T[],
  visit: (item: T) => void,
): void {
  const entered = new Set<T>();
  const left = new Set<T>();
  const pending = [root];
  for (let item = pending.at(-1); item !== undefined; item = pending.at(-1)) {
    if (!entered.has(item)) {
      entered.add(item);
      for (const next of nextOf(item)) if (!entered.has(next)) pending.push(next);
      continue;
    }
    pending.pop();
    if (left.has(item)) continue;
    left.add(item);
    visit(item);
  }
}
